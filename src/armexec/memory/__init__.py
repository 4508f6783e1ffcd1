"""Memory of the host: executable pages that are never writable, the process map, safe access by address."""

from .host import HostMemory
from .maps import MapEntry, process_map, writable_and_executable
from .protection import AccessError, Protection, Step
from .region import Region, allocate, page_size, strategy_name
from .stack import GuestStack, guest_stack
from .text import string_at

__all__ = [
    "AccessError",
    "GuestStack",
    "HostMemory",
    "MapEntry",
    "Protection",
    "Region",
    "Step",
    "allocate",
    "guest_stack",
    "page_size",
    "process_map",
    "strategy_name",
    "string_at",
    "writable_and_executable",
]
