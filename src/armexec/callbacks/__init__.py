"""Functions of Python that guest code calls by an address."""

from .host_functions import HostFunction, host_functions

__all__ = ["HostFunction", "host_functions"]
