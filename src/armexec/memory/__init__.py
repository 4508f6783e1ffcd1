"""Memory of the host: executable pages that are never writable, the process map, safe access by address."""

from .arena import CodeArena, CodePages, code_arena
from .execution import execution_refused
from .guest.executable_ranges import EXECUTABLE_RANGES
from .guest.mappings import MAPPING_CHANGES, Mappings
from .host import HostMemory
from .mapped_ranges import MAPPED_RANGES
from .maps import MapEntry, process_map, writable_and_executable
from .protection import AccessError, Protection, Step
from .region import Region, allocate, page_size, strategy_name
from .sandbox import Block, Sandbox, SandboxMemory
from .stack import GuestStack, Overflow, guest_stack, stack_size
from .text import string_at

__all__ = [
    "EXECUTABLE_RANGES",
    "MAPPED_RANGES",
    "MAPPING_CHANGES",
    "AccessError",
    "Block",
    "CodeArena",
    "CodePages",
    "GuestStack",
    "HostMemory",
    "MapEntry",
    "Mappings",
    "Overflow",
    "Protection",
    "Region",
    "Sandbox",
    "SandboxMemory",
    "Step",
    "allocate",
    "code_arena",
    "execution_refused",
    "guest_stack",
    "page_size",
    "process_map",
    "stack_size",
    "strategy_name",
    "string_at",
    "writable_and_executable",
]
