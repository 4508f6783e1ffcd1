"""The handler of signals for native code: faults of the guest, breakpoints, and looks at Python's signals.

It acts if the thread's word is a way out (routines.py), and the pc is in the guest's code (code_ranges.py) or nothing
could be fetched from it, or if a Cpu runs. Then it keeps the registers in a record (`Registers` in context.py), and
returns to `faulted`, `leave` or `interrupted` instead of the guest. All else is for the handler that was there before.
So nothing of the C library or of Python, which may hold locks, is ever left in the middle.

`thread_ended` gives back the stack for handlers of a thread that ends (translate/execute/signals/alternate_stack.py).

The words are those of this text:

    handler:                            // X0: the signal, X1: siginfo_t, X2: ucontext_t
        stp x29, x30, [sp, #-96]!
        mov x29, sp
        stp x19, x20, [sp, #16]
        stp x21, x22, [sp, #32]
        stp x23, x24, [sp, #48]
        stp x25, x26, [sp, #64]
        stp x27, x28, [sp, #80]
        mov x19, x0
        mov x20, x1
        mov x21, x2
        // What a process sends has another si_code than what the system finds.
        ldr w9, [x20, #8]
        ldr x10, sent
        cmp w9, w10
        cset x27, lt
        cmp w9, #0
        csel x27, x27, xzr, gt
        ldr x0, key
        ldr x16, pthread_getspecific
        blr x16
        mov x22, x0
        cmp x22, #1
        b.ls other
        ldr x9, machine_at
        add x23, x21, x9
        ldr x9, is_pointer
        cbz x9, 1f
        ldr x23, [x23]
    1:  ldr x9, general_at
        add x23, x23, x9                // X0 to X30, SP, PC, PSTATE
        ldr x28, vectors_from
        add x28, x23, x28
        ldr x24, [x23, #256]
        ldr x9, address_at
        ldr x25, [x20, x9]
        ldr x9, begins
        cmp x24, x9
        b.eq begin
        ldr x10, look
        cmp x19, x10
        b.eq looks
        cbz x27, sent_on
        ldr x9, [x22, #184]             // the record of a Cpu
        cbnz x9, keep
        bl find
        b.lo keep
        // A branch to where there is no code: SIGSEGV or SIGBUS, not SIGILL or SIGTRAP, whose address is the pc too.
        cmp x19, #5
        b.ls other
        cmp x24, x25
        b.ne other
    keep:
        bl keep_registers
        ldr x9, faulted
        ldr x10, leave
        ldr x11, [x22, #184]
        cmp x11, #0
        csel x9, x9, x10, eq
    go:
        str x9, [x23, #256]
        str x22, [x23, #160]
        // BTYPE: the guest's branch isn't made.
        ldr x9, [x23, #264]
        and x9, x9, #~0xc00
        str x9, [x23, #264]
        b done
    sent_on:
        // A handler that came before this one sends the signal on: when it has returned, the access is done again.
        ldr x9, stack_at
        ldr x9, [x21, x9]
        ldr x10, [x23, #248]
        sub x10, x10, x9
        ldr x9, stack_size_at
        ldr x9, [x21, x9]
        cmp x10, x9
        b.ls done
        b other
    looks:
        // Others may use this signal.
        ldr x9, previous
        ldr x9, [x9, x19, lsl #3]
        cbz x9, 1f
        ldr x10, [x9]
        cmp x10, #1
        b.ls 1f
        mov x0, x19
        mov x1, x20
        mov x2, x21
        blr x10
    1:  ldr x9, [x22, #184]
        cbnz x9, keep
        bl find
        b.hs done
        bl keep_registers
        ldr x9, interrupted
        b go
    begin:                              // X0: a record, X1: whether it is a Cpu's
        ldp x26, x9, [x23]
        cbz x9, 1f
        str x26, [x22, #184]
    1:  mov x9, x23
        mov x10, x26
        mov x11, #33
        bl copy
        // NZCV alone: the rest of PSTATE is the system's.
        ldr x9, [x26, #264]
        ldr x10, [x23, #264]
        and x9, x9, #0xf0000000
        and x10, x10, #~0xf0000000
        and x10, x10, #~0xc00
        orr x9, x9, x10
        str x9, [x23, #264]
        b done
    other:
        ldr x9, previous
        ldr x9, [x9, x19, lsl #3]
        cbz x9, done
        ldr x10, [x9]
        cmp x10, #1
        b.hi chain
        ldr x11, look
        cmp x19, x11
        b.eq done
        cbz x10, default
        cbz x27, done                   // sent, and ignored
    default:
        // Back to what was there: the access is done again, and faults for good; or it is sent again.
        mov x0, x19
        mov x1, x9
        mov x2, xzr
        ldr x16, sigaction
        blr x16
        cbnz x27, done
        ldr x16, pthread_self
        blr x16
        mov x1, x19
        ldr x16, pthread_kill
        blr x16
        b done
    chain:
        mov x0, x19
        mov x1, x20
        mov x2, x21
        blr x10
    done:
        ldp x19, x20, [sp, #16]
        ldp x21, x22, [sp, #32]
        ldp x23, x24, [sp, #48]
        ldp x25, x26, [sp, #64]
        ldp x27, x28, [sp, #80]
        ldp x29, x30, [sp], #96
        ret
    find:                               // whether X24 is in the guest's code: LO
        ldr x9, ranges
    1:  cmp x9, xzr
        b.eq 3f
        ldp x11, x10, [x9], #16         // the next table, the entries of this one
    2:  ldp x12, x13, [x9], #16
        cmp x24, x12
        ccmp x24, x13, #2, hs
        b.lo 3f
        sub x10, x10, #1
        cbnz x10, 2b
        mov x9, x11
        b 1b
    3:  ret
    keep_registers:
        mov x14, x30
        ldr x9, [x22, #184]
        add x26, x22, #400
        cmp x9, #0
        csel x26, x26, x9, eq
        mov x9, x26
        mov x10, x23
        mov x11, #34
        bl copy
        add x9, x26, #272
        mov x10, x28
        mov x11, #65
        bl copy
        str x19, [x26, #792]            // the signal, si_code, the address
        ldr w9, [x20, #8]
        str x9, [x26, #800]
        str x25, [x26, #808]
        // The guest's stack, on which Python runs next; but where it has run out, or SP is anywhere.
        ldr x9, [x22, #184]
        cbnz x9, 2f
        str xzr, [x22, #1216]
        ldr x10, [x23, #248]
        sub x11, x22, x10
        tst x10, #7
        b.ne 2f
        cmp x11, #16, lsl #12
        b.hs 2f
        sub x12, x25, x10
        add x12, x12, #16, lsl #12
        cmp x12, #32, lsl #12
        b.lo 2f
        mov x12, #2048
        cmp x11, x12
        csel x11, x11, x12, lo
        str x11, [x22, #1216]
        lsr x11, x11, #3
        cbz x11, 2f
        add x9, x22, #1232
        bl copy
    2:  ret x14
    copy:                               // X11 words from X10 to X9
        ldr x12, [x10], #8
        str x12, [x9], #8
        sub x11, x11, #1
        cbnz x11, copy
        ret
    thread_ended:                       // X0: the stack
        stp x29, x30, [sp, #-48]!
        mov x29, sp
        str x19, [sp, #16]
        mov x19, x0
        mov x0, xzr
        add x1, sp, #24
        ldr x16, sigaltstack
        blr x16
        ldr x9, [sp, #24]
        cmp x9, x19
        b.ne 1f
        adr x0, no_stack
        mov x1, xzr
        ldr x16, sigaltstack
        blr x16
    1:  mov x0, x19
        ldr x1, alternate_size
        ldr x16, munmap
        blr x16
        ldr x19, [sp, #16]
        ldp x29, x30, [sp], #48
        ret
        .balign 8
    no_stack: .quad 0, 0, 0
    alternate_size: .quad 0
    key: .quad 0
    previous: .quad 0
    ranges: .quad 0
    begins: .quad 0
    faulted: .quad 0
    leave: .quad 0
    interrupted: .quad 0
    look: .quad 0
    sent: .quad 0
    machine_at: .quad 0
    is_pointer: .quad 0
    general_at: .quad 0
    vectors_from: .quad 0
    address_at: .quad 0
    stack_at: .quad 0
    stack_size_at: .quad 0
    pthread_getspecific: .quad 0
    pthread_self: .quad 0
    pthread_kill: .quad 0
    sigaction: .quad 0
    sigaltstack: .quad 0
    munmap: .quad 0
"""

from __future__ import annotations

import ctypes
import signal

from armexec.engines.native_calls.code_ranges import code_ranges
from armexec.engines.native_calls.context import layout
from armexec.engines.native_calls.routines import Routines, address_of
from armexec.memory import Protection, allocate, page_size
from armexec.translate.execute.signals.alternate_stack import ALTERNATE_SIZE, AlternateStacks, stack_bytes
from armexec.translate.execute.signals.places import MadeHandler, Places
from armexec.translate.execute.watch import SIGNAL
from armexec.translate.support.sigaction import SA_NODEFER, SA_ONSTACK, SA_RESTART, SA_SIGINFO

__all__ = ["AT", "C_LIBRARY", "WORDS", "SignalHandlers"]

WORDS = """
    fd7bbaa9 fd030091 f35301a9 f55b02a9 f76303a9 f96b04a9 fb7305a9 f30300aa f40301aa f50302aa 890a40b9 aa1c0058
    3f010a6b fba79f9a 3f010071 7bc39f9a 001a0058 f01d0058 00023fd6 f60300aa df0600f1 290a0054 891b0058 b702098b
    891b0058 490000b4 f70240f9 691b0058 f702098b 7c1b0058 fc021c8b f88240f9 491b0058 996a69f8 89180058 1f0309eb
    60060054 2a190058 7f020aeb e0030054 bb0200b4 c95e40f9 e90000b5 5d000094 a3000054 7f1600f1 09070054 1f0319eb
    c1060054 64000094 c9160058 ea160058 cb5e40f9 7f0100f1 29018a9a e98200f9 f65200f9 e98640f9 29f57492 e98600f9
    45000014 e9170058 a96a69f8 ea7e40f9 4a0109cb a9170058 a96a69f8 5f0109eb a9070054 21000014 89130058 297973f8
    090100b4 2a0140f9 5f0500f1 a9000054 e00313aa e10314aa e20315aa 40013fd6 c95e40f9 09fcffb5 36000094 c2050054
    41000094 e9120058 e1ffff17 fa2640a9 490000b4 da5e00f9 e90317aa ea031aaa 2b0480d2 5f000094 498740f9 ea8640f9
    290d6492 4aed6092 4af57492 29010aaa e98600f9 1c000014 890f0058 297973f8 290300b4 2a0140f9 5f0500f1 48020054
    4b100058 7f020beb 60020054 4a0000b4 3b0200b4 e00313aa e10309aa e2031faa 50120058 00023fd6 7b0100b5 70110058
    00023fd6 e10313aa 50110058 00023fd6 05000014 e00313aa e10314aa e20315aa 40013fd6 f35341a9 f55b42a9 f76343a9
    f96b44a9 fb7345a9 fd7bc6a8 c0035fd6 890b0058 3f011feb 40010054 2b29c1a8 2c35c1a8 1f030ceb 02234dfa a3000054
    4a0500d1 6affffb5 e9030baa f6ffff17 c0035fd6 ee031eaa c95e40f9 da420691 3f0100f1 5a03899a e9031aaa ea0317aa
    4b0480d2 1f000094 49430491 ea031caa 2b0880d2 1b000094 538f01f9 890a40b9 499301f9 599701f9 c95e40f9 890200b5
    df6202f9 ea7e40f9 cb020acb 5f0940f2 e1010054 7f4140f1 a2010054 2c030acb 8c414091 9f8140f1 23010054 0c0081d2
    7f010ceb 6b318c9a cb6202f9 6bfd43d3 6b0000b4 c9421391 02000094 c0015fd6 4c8540f8 2c8500f8 6b0500d1 abffffb5
    c0035fd6 fd7bbda9 fd030091 f30b00f9 f30300aa e0031faa e1630091 30080058 00023fd6 e90f40f9 3f0113eb a1000054
    80010010 e1031faa 50070058 00023fd6 e00313aa a1010058 10070058 00023fd6 f30b40f9 fd7bc3a8 c0035fd6 1f2003d5
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000
"""
AT = {"handler": 0, "thread_ended": 772}
"""Where the code begins, in bytes."""
C_LIBRARY = ("pthread_getspecific", "pthread_self", "pthread_kill", "sigaction", "sigaltstack", "munmap")
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP)
_LEAST_STACK = 0x4000
"""The handler itself needs a few hundred bytes above what the system puts there, and calls nothing that needs more."""


class SignalHandlers:
    """The handlers for native code, and the stacks that they run on."""

    def __init__(self, routines: Routines) -> None:
        self._routines = routines
        self._stacks = AlternateStacks()
        flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        self._faults = Places(_FAULTS, flags, self._make)
        self._looks = Places((SIGNAL,), flags | SA_RESTART, self._make)

    def install(self) -> None:
        """Have the handler of faults in the first place, also where another has been installed since.

        Raises:
            HostError: the host gives no executable memory.
        """
        self._faults.install()

    def install_looks(self) -> None:
        """Have the handler of the signal in place by which a thread looks at Python's signals and limits."""
        self._looks.install()

    def prepare_thread(self) -> None:
        """Give this thread a stack for handlers, unless it has one."""
        self._stacks.prepare(_LEAST_STACK)

    def _make(self, table: int) -> MadeHandler:
        routines, libc = self._routines, ctypes.CDLL(None)
        found = layout()
        words = [
            ALTERNATE_SIZE,
            routines.key,
            table,
            code_ranges.address,
            routines.begins,
            routines.faulted,
            routines.leave,
            routines.interrupted,
            int(SIGNAL),
            found.sent,
            found.machine_at,
            found.is_pointer,
            found.general_at,
            found.vectors_from,
            found.address_at,
            found.stack_at,
            found.stack_size_at,
            *(address_of(libc, name) for name in C_LIBRARY),
        ]
        data = stack_bytes() + b"".join(word.to_bytes(8, "little") for word in words)
        region = allocate(len(bytes.fromhex(WORDS)), executable=True)
        region.write(0, bytes.fromhex(WORDS)[: -len(data)] + data)
        region.seal([(0, page_size(), Protection.READ | Protection.EXECUTE)])
        self._stacks.use(region.address + AT["thread_ended"])
        return region.address + AT["handler"], region
