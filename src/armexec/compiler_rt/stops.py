"""Messages for functions of compiler_rt that end a program, and for breakpoints of compilers."""

from __future__ import annotations

__all__ = ["CALLER", "STOP", "why_stopped", "why_trapped"]

STOP = 0xA640
"""The immediate of the BRK instruction that they end with."""
CALLER = "__stop_caller"
"""The variable that then holds the return address."""

_EXCEPTIONS = (
    "exceptions need the C++ library, which is linked with ELF objects that throw or catch, on the engines translated"
    " and reference"
)
_NO_MEMORY = "operator new found no memory: the heap has 512 MiB"
_BLOCK = "a pointer that malloc hasn't given, or that is no longer its own"
_FORTIFIED = "a fortified function would write past the end of its destination"
_REASONS = {
    "__stack_chk_fail": "the stack protector found its guard overwritten: a local array was written past its end",
    "__chk_fail": _FORTIFIED,
    "__enable_execute_stack": "the address of a nested function was taken, which needs memory that is writable and"
    " executable: armexec never has any",
    "__cxa_pure_virtual": "a pure virtual function was called, as from a constructor",
    "__cxa_deleted_virtual": "a deleted virtual function was called",
    "__cxa_bad_cast": "a dynamic_cast of a reference failed; " + _EXCEPTIONS,
    "__cxa_bad_typeid": "typeid of a null pointer; " + _EXCEPTIONS,
    "__cxa_throw_bad_array_new_length": "a new expression for an array of a negative or too great length; "
    + _EXCEPTIONS,
    "__cxa_guard_acquire": "a static variable's initialization needs itself, or another thread's doesn't end",
    "__cxa_throw": "an exception was thrown: " + _EXCEPTIONS,
    "__cxa_rethrow": "an exception was thrown: " + _EXCEPTIONS,
    "_Znwm": _NO_MEMORY,
    "_ZnwmSt11align_val_t": _NO_MEMORY,
    "__memcpy_chk": _FORTIFIED,
    "__memmove_chk": _FORTIFIED,
    "__memset_chk": _FORTIFIED,
    "free": "free got " + _BLOCK,
    "realloc": "realloc got " + _BLOCK,
    "malloc_usable_size": "malloc_usable_size got " + _BLOCK,
    "malloc_size": "malloc_size got " + _BLOCK,
}
_TRAPPING = ("__addv", "__subv", "__mulv", "__negv", "__absv")


def why_stopped(function: str) -> str:
    """The message for a function, given by its linkage name, that has ended the program."""
    if function.startswith(_TRAPPING):
        return f"a signed integer overflowed ({function}, from -ftrapv)"
    reason = _REASONS.get(function)
    if reason is None:
        return f"{function.replace('_ZSt9terminatev', 'std::terminate')} was called"
    return f"{reason} ({function})"


# What clang's own checks end in (-ftrapv, -fsanitize-trap): 0x5500 and one of clang's SanitizerHandler.
_CHECK = 0x5500
_CHECKS = {
    0: "an addition overflowed",
    1: "code that was said to be unreachable was reached",
    3: "a division overflowed, or was by zero",
    5: "a floating-point number doesn't fit into the integer type",
    10: "a value isn't one of its type",
    11: "a function ended without returning a value",
    12: "a multiplication overflowed",
    13: "a negation overflowed",
    18: "an index is out of bounds",
    19: "a pointer overflowed",
    20: "a shift is by too much",
    21: "a subtraction overflowed",
    22: "a pointer is null or isn't aligned",
}


def why_trapped(immediate: int) -> str:
    """The meaning of a BRK that a compiler has put into a program, by its immediate; empty for others."""
    if immediate in (1, 1000):  # clang's and gcc's
        return "__builtin_trap, or what the compiler found that can't be"
    return _CHECKS.get(immediate - _CHECK, "")
