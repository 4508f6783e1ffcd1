"""A call with the registers and stack of a frame, on the processor itself.

It is written for AAPCS64. The words are those of this text, with the offsets of `CallFrame`:

        stp x29, x30, [sp, #-32]!       // X0: the frame, X1: the function
        mov x29, sp
        str x19, [sp, #16]
        mov x19, x0
        mov x16, x1
        ldr x9, [x19, #208]             // stack
        ldr x10, [x19, #216]            // stack_size
        sub sp, sp, x10
    1:  cbz x10, 2f
        sub x10, x10, #16
        add x13, x9, x10
        ldp x11, x12, [x13]
        add x13, sp, x10
        stp x11, x12, [x13]
        b 1b
    2:  ldp q0, q1, [x19, #80]
        ldp q2, q3, [x19, #112]
        ldp q4, q5, [x19, #144]
        ldp q6, q7, [x19, #176]
        ldp x0, x1, [x19]
        ldp x2, x3, [x19, #16]
        ldp x4, x5, [x19, #32]
        ldp x6, x7, [x19, #48]
        ldr x8, [x19, #64]
        blr x16
        stp x0, x1, [x19]
        stp q0, q1, [x19, #80]
        stp q2, q3, [x19, #112]
        mov sp, x29
        ldr x19, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
"""

from __future__ import annotations

from functools import cache

from armexec.engines.native_calls.code_ranges import code_ranges
from armexec.memory import Protection, Region, allocate, page_size

__all__ = ["WORDS", "frame_call", "placed_code"]

WORDS = """
    fd7bbea9 fd030091 f30b00f9 f30300aa f00301aa 696a40f9 6a6e40f9 ff632acb
    ea0000b4 4a4100d1 2d010a8b ab3140a9 ed632a8b ab3100a9 faffff17
    608642ad 628e43ad 649644ad 669e45ad 600640a9 620e41a9 641642a9 661e43a9 682240f9
    00023fd6 600600a9 608602ad 628e03ad bf030091 f30b40f9 fd7bc2a8 c0035fd6
"""


@cache
def frame_call() -> Region:
    """Executable memory with the code, which takes the addresses of a frame and of a function.

    Raises:
        HostError: the host gives no executable memory.
    """
    return placed_code(bytes.fromhex(WORDS))


@cache
def placed_code(code: bytes) -> Region:
    """Executable memory with code that is part of a call, the same for the same code. It is kept.

    Raises:
        HostError: the host gives no executable memory.
    """
    region = allocate(len(code), executable=True)
    region.write(0, code)
    region.seal([(0, -(-len(code) // page_size()) * page_size(), Protection.READ | Protection.EXECUTE)])
    code_ranges.add(region.address, region.address + len(code), region)
    return region
