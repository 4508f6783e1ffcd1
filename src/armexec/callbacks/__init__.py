"""Functions of Python that guest code calls by an address."""

from .host_functions import HostFunction, host_functions
from .system_calls import SystemCallHandler

__all__ = ["HostFunction", "SystemCallHandler", "host_functions"]
