"""A guest function that shows all that a call passes, and frames to call it with."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import armexec
from armexec.cpu.call_frame import CallFrame

RECORD = """
    stp x0, x1, [x8]
    stp x2, x3, [x8, #16]
    stp x4, x5, [x8, #32]
    stp x6, x7, [x8, #48]
    stp q0, q1, [x8, #64]
    stp q2, q3, [x8, #96]
    stp q4, q5, [x8, #128]
    stp q6, q7, [x8, #160]
    mov x9, sp
    str x9, [x8, #192]
    ldr x10, [x8, #200]             // bytes on the stack
    add x11, x8, #208
1:  cbz x10, 2f
    ldr x12, [x9], #8
    str x12, [x11], #8
    sub x10, x10, #8
    b 1b
2:  mvn x0, x0
    mvn x1, x1
    mvn v0.16b, v0.16b
    mvn v1.16b, v1.16b
    mvn v2.16b, v2.16b
    mvn v3.16b, v3.16b
    // What a function may change, and a call has to expect.
    mov x8, #-1
    movi v7.16b, #255
    ret
"""
"""Stores X0 to X7, V0 to V7, SP and the arguments on the stack at X8, and returns the complements of its registers."""
CALL_X9 = """
    stp x29, x30, [sp, #-160]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    .irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
    mov x\\n, #-1
    .endr
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    movi v\\n\\().16b, #255
    .endr
    sub sp, sp, #64
    blr x9
    mov sp, x29
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    ldp x29, x30, [sp], #160
    ret
"""
"""Calls what X9 points to with all registers that it was given, and with others in all callee-saved registers."""


LINE = "\n"
_SAVED = [(19, "x"), (21, "x"), (23, "x"), (25, "x"), (27, "x"), (8, "d"), (10, "d"), (12, "d"), (14, "d")]


def pairs(instruction: str) -> str:
    """Store or load all callee-saved registers but X29 and X30."""
    return "\n".join(f"{instruction} {r}{n}, {r}{n + 1}, [sp, #{16 * i}]" for i, (n, r) in enumerate(_SAVED, 1))


class Record(ctypes.Structure):
    """What `RECORD` stores. `size` is given to it."""

    _fields_ = (
        ("x", ctypes.c_uint64 * 8),
        ("v", ctypes.c_uint8 * 128),
        ("sp", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("stack", ctypes.c_uint8 * 4096),
    )


@dataclass
class Call:
    """A call of `RECORD` with registers and a stack that are all different."""

    seed: int
    size: int
    record: Record = field(default_factory=Record)
    frame: CallFrame = field(default_factory=CallFrame)

    def __post_init__(self) -> None:
        self.x = [(self.seed * 0x9E37_79B9_7F4A_7C15 + n * 0x0123_4567_89AB_CDEF) % 2**64 for n in range(8)]
        self.v = bytes((self.seed * 7 + n * 13 + n // 16) % 256 for n in range(128))
        self.stack = bytes((self.seed * 3 + n * 11 + n // 64) % 256 for n in range(self.size))
        self._memory = ctypes.create_string_buffer(self.stack, max(self.size, 1))
        self.record.size = self.size
        self.frame.x[:8] = self.x
        self.frame.x[8] = ctypes.addressof(self.record)
        self.frame.v[:] = self.v
        self.frame.stack = ctypes.addressof(self._memory)
        self.frame.stack_size = self.size

    def check(self) -> None:
        """That all has arrived, and the result is in the frame."""
        assert list(self.record.x) == self.x
        assert bytes(self.record.v) == self.v
        assert not self.record.sp % 16
        assert bytes(self.record.stack)[: self.size] == self.stack
        assert list(self.frame.x[:2]) == [x ^ 2**64 - 1 for x in self.x[:2]]
        assert bytes(self.frame.v[:64]) == bytes(byte ^ 255 for byte in self.v[:64])


def record_function(engine: str | None = None) -> armexec.Function:
    """`RECORD` on an engine."""
    return armexec.function(RECORD, "void(void)", engine=engine)
