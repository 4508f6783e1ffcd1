"""Calls into native code and out of it: any registers and stack, functions of Python, exceptions that leave the guest.

See docs/decisions/0032-native-calls.md.
"""

from .calls import bind_address, bind_frame
from .host_functions import HostCall, NativeHostFunctions, native_host_functions
from .system_calls import SystemCalls, find_system_calls

__all__ = [
    "HostCall",
    "NativeHostFunctions",
    "SystemCalls",
    "bind_address",
    "bind_frame",
    "find_system_calls",
    "native_host_functions",
]
