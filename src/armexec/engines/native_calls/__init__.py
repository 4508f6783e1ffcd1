"""Calls into native code and out of it: any registers and stack, functions of Python, exceptions that leave the guest.

See docs/decisions/0032-native-calls.md.
"""

from .calls import bind_address, bind_frame
from .host_functions import HostCall, NativeHostFunctions, native_host_functions

__all__ = ["HostCall", "NativeHostFunctions", "bind_address", "bind_frame", "native_host_functions"]
