"""What the code of calls without ctypes depends on: the types of arguments and results."""

from __future__ import annotations

from dataclasses import dataclass

from armexec.translate.python_calls.frame_ir import Frame

__all__ = ["CallTypes", "Passed", "Returned"]


@dataclass(frozen=True)
class Passed:
    """A parameter: an integer from `low` to `high` in `bits` bits, a floating-point number of 32 or 64 bits, or, in
    calls by a frame, the value of a struct of `bits` bits.

    `buffers`: it is a pointer, and objects with memory may be given; they needn't be `writable`; ints are `addresses`;
    `element`: the bytes of an element, 0 if any will do, `floats` whether it is a floating-point number.
    """

    bits: int
    low: int = 0
    high: int = 0
    is_float: bool = False
    buffers: bool = False
    addresses: bool = True
    writable: bool = False
    element: int = 0
    floats: bool = False
    is_struct: bool = False


@dataclass(frozen=True)
class Returned:
    """A result: of `kind` "void", "bool", "signed", "unsigned", "float" or, in calls by a frame, "struct", in `bits`
    bits."""

    kind: str
    bits: int = 0


@dataclass(frozen=True)
class CallTypes:
    """What the code of a call depends on. `frame`: the stub takes a frame. `thread_pointer`: the stub's last argument
    is TPIDR_EL0, which a function of Python gives. `serialized`: the lock of a guest's thread is held meanwhile.
    `keeps_state`: and what the guest's library keeps of that thread is put back where the call fails.
    `sandbox`: only memory in the guest's sandbox is passed without a copy, and so from here."""

    parameters: tuple[Passed, ...]
    result: Returned
    frame: Frame | None = None
    thread_pointer: bool = False
    serialized: bool = False
    keeps_state: bool = False
    sandbox: bool = False
