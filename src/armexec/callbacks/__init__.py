"""Functions of Python that guest code calls by an address, and what does its system calls."""

from .address_range import HostFunctionRange, host_functions
from .host_functions import HostFunction, HostFunctions, is_gone
from .system_calls import SystemCallHandler

__all__ = ["HostFunction", "HostFunctionRange", "HostFunctions", "SystemCallHandler", "host_functions", "is_gone"]
