"""Calls into native code and out of it: any registers and stack, functions of Python, faults, exceptions that leave it.

See docs/decisions/0032-native-calls.md.
"""

from .calls import bind_address, bind_frame
from .code_ranges import code_ranges
from .context import HostCall
from .faults import add_image
from .frame_call import placed_code
from .host_functions import NativeHostFunctions, native_host_functions
from .redirections import Redirections
from .system_calls import SystemCalls, find_system_calls

__all__ = [
    "HostCall",
    "NativeHostFunctions",
    "Redirections",
    "SystemCalls",
    "add_image",
    "bind_address",
    "bind_frame",
    "code_ranges",
    "find_system_calls",
    "native_host_functions",
    "placed_code",
]
