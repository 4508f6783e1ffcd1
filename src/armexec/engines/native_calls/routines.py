"""The code between Python and native code. A trampoline (trampolines.py) leads to `enter` and `call_host`.

`enter` calls the function whose address is the trampoline's argument, with the registers of its caller, and without the
GIL. It keeps what a call preserves (AAPCS64, 6.1.1 and 6.1.2), so the guest can be left from anywhere in it:
`leave` goes on where `enter` was called, and so does `faulted`, which has Python raise what a signal tells of (`Left`).
Under a pthread key each thread has a word: 0 if it has never run guest code, or has limits, 1 if it has no way out, as
while Python runs on the guest's behalf; else the SP of the innermost `enter`, which is the way out.

Before a call Python may be asked (`preparing`). It may make the call itself, with the registers in the frame, or give
the guest a stack of its own (limits.py). Then Python runs on the thread's stack all the same.

`call_host` puts the registers of a call into a frame (`host_functions.HostCall`), and calls an object of Python with
the frame's address. If that raises an exception, this stays set while the guest is left, so it is raised where
`enter` was called. Without a way out the exception is written as one that can't be raised, and the result is 0.

`begin` goes on with the registers of a record, also of a Cpu: it loads what a signal can't everywhere, and at `begins`
the handler of signals (signal_handler.py) has the system load the others. `interrupted` is where that handler has a
thread go on that is to look at Python's signals and limits. The guest's registers are in the frame of `enter` then.

The words are those of this text:

    enter:                              // X17: the trampoline's data
        sub sp, sp, #3280
        stp x29, x30, [sp]
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
        mrs x9, fpcr
        str x9, [sp, #160]
        str xzr, [sp, #184]             // the record of a Cpu, if it is one's
        stp x0, x1, [sp, #192]
        stp x2, x3, [sp, #208]
        stp x4, x5, [sp, #224]
        stp x6, x7, [sp, #240]
        stp q0, q1, [sp, #256]
        stp q2, q3, [sp, #288]
        stp q4, q5, [sp, #320]
        stp q6, q7, [sp, #352]
        ldr x19, [x17, #8]
        stp x19, xzr, [sp, #384]        // a Left, with the stack of the guest's own, if it has one; the copy is behind
        ldr x21, counts
        ldr x0, key
        ldr x16, pthread_getspecific
        blr x16
        str x0, [sp, #168]              // the word of an outer call
        cbz x0, prepare
        ldr x9, [x21]
        cbz x9, prepared
    prepare:
        ldr x0, preparing
        mov x1, sp                      // an Entered
        bl call_python
        cbz x0, out
        ldr x16, Py_DecRef
        blr x16
        ldr x9, [sp, #392]
        cmp x9, #1
        b.eq out                        // Python has made the call
    prepared:
        ldr x9, [x21, #8]
        add x9, x9, #1
        str x9, [x21, #8]
        ldr x16, PyEval_SaveThread
        blr x16
        str x0, [sp, #176]
        ldr x0, key
        mov x1, sp
        ldr x16, pthread_setspecific
        blr x16
        ldp x0, x1, [sp, #192]
        ldp x2, x3, [sp, #208]
        ldp x4, x5, [sp, #224]
        ldp x6, x7, [sp, #240]
        ldp q0, q1, [sp, #256]
        ldp q2, q3, [sp, #288]
        ldp q4, q5, [sp, #320]
        ldp q6, q7, [sp, #352]
        mov x10, sp
        ldr x9, [sp, #392]
        cmp x9, #0
        csel x9, x9, x10, ne
        str x10, [x9, #-16]!
        mov sp, x9
        blr x19
        ldr x9, [sp]
        mov sp, x9
        stp x0, x1, [sp, #192]
        stp q0, q1, [sp, #256]
        stp q2, q3, [sp, #288]
        mov x19, xzr
        b finish
    faulted:                            // X20: the way out
        mov x19, #1
        b left
    leave:                              // X20: the way out
        mov x19, xzr
    left:
        mov sp, x20
        ldr x9, [sp, #160]
        msr fpcr, x9
    finish:
        ldr x0, key
        ldr x1, [sp, #168]
        ldr x16, pthread_setspecific
        blr x16
        ldr x0, [sp, #176]
        ldr x16, PyEval_RestoreThread
        blr x16
        ldr x9, counts
        ldr x10, [x9, #16]
        add x10, x10, #1
        str x10, [x9, #16]
        cbz x19, out
        ldr x0, raising
        add x1, sp, #384
        bl call_python
        ldr x16, Py_DecRef
        blr x16
    out:
        ldp x0, x1, [sp, #192]
        ldp q0, q1, [sp, #256]
        ldp q2, q3, [sp, #288]
        ldp x19, x20, [sp, #16]
        ldp x21, x22, [sp, #32]
        ldp x23, x24, [sp, #48]
        ldp x25, x26, [sp, #64]
        ldp x27, x28, [sp, #80]
        ldp d8, d9, [sp, #96]
        ldp d10, d11, [sp, #112]
        ldp d12, d13, [sp, #128]
        ldp d14, d15, [sp, #144]
        ldp x29, x30, [sp]
        add sp, sp, #3280
        ret
    call_python:                        // X0: an object, X1: a number for it; gives the result, or null
        stp x29, x30, [sp, #-32]!
        mov x29, sp
        stp x21, x22, [sp, #16]
        mov x21, x0
        mov x0, x1
        ldr x16, PyLong_FromUnsignedLongLong
        blr x16
        mov x22, x0
        cbz x22, called
        mov x1, x22
        mov x0, x21
        ldr x16, PyObject_CallOneArg
        blr x16
        mov x21, x0
        mov x0, x22
        ldr x16, Py_DecRef
        blr x16
        mov x0, x21
    called:
        ldp x21, x22, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
    begin:                              // X0: a record (Registers), X1: whether it is a Cpu's
        ldr x9, fp_at
        add x9, x0, x9
        ldp w10, w11, [x9]
        msr fpsr, x10
        msr fpcr, x11
        ldr x9, v_at
        add x9, x0, x9
        ldp q0, q1, [x9]
        ldp q2, q3, [x9, #32]
        ldp q4, q5, [x9, #64]
        ldp q6, q7, [x9, #96]
        ldp q8, q9, [x9, #128]
        ldp q10, q11, [x9, #160]
        ldp q12, q13, [x9, #192]
        ldp q14, q15, [x9, #224]
        ldp q16, q17, [x9, #256]
        ldp q18, q19, [x9, #288]
        ldp q20, q21, [x9, #320]
        ldp q22, q23, [x9, #352]
        ldp q24, q25, [x9, #384]
        ldp q26, q27, [x9, #416]
        ldp q28, q29, [x9, #448]
        ldp q30, q31, [x9, #480]
    begins:
        brk #0
    interrupted:                        // X20: the way out
        sub x9, sp, #128                // what macOS leaves to functions that call none
        ldr x10, [x20, #392]
        cmp x10, #0
        csel x9, x9, x20, eq
        and sp, x9, #-16
        ldr x0, key
        ldr x1, [x20, #168]
        cmp x1, #0
        cset x1, ne
        ldr x16, pthread_setspecific
        blr x16
        ldr x16, PyGILState_Ensure
        blr x16
        mov w21, w0
        ldr x0, looking
        add x1, x20, #384
        bl call_python
        mov x22, x0
        ldr x16, Py_DecRef
        blr x16
        mov w0, w21
        ldr x16, PyGILState_Release
        blr x16
        cbz x22, leave
        ldr x0, key
        mov x1, x20
        ldr x16, pthread_setspecific
        blr x16
        add x0, x20, #400
        mov x1, xzr
        b begin
    call_host:                          // X17: the trampoline's data
        stp x29, x30, [sp, #-288]!
        mov x29, sp
        sub x9, sp, #4032               // what the function below needs, and a handler of signals
        ldr xzr, [x9]
        stp x19, x20, [sp, #16]
        stp x21, x22, [sp, #32]
        stp x0, x1, [sp, #48]           // a HostCall
        stp x2, x3, [sp, #64]
        stp x4, x5, [sp, #80]
        stp x6, x7, [sp, #96]
        str x8, [sp, #112]
        stp q0, q1, [sp, #128]
        stp q2, q3, [sp, #160]
        stp q4, q5, [sp, #192]
        stp q6, q7, [sp, #224]
        add x9, sp, #288
        stp x9, xzr, [sp, #256]         // stack, stack_size
        sub x10, x17, #16, lsl #12      // the trampoline
        stp x30, x10, [sp, #272]        // link, address
        ldr x0, key
        ldr x16, pthread_getspecific
        blr x16
        mov x20, x0
        mov x1, x0
        cmp x20, #1
        b.ls 1f
        ldr x1, [x20, #168]
        ldr x9, [x20, #392]
        cbz x9, 1f
        mov sp, x20                     // the thread's stack, below `enter`
    1:  ldr x0, key
        cmp x1, #0
        cset x1, ne
        ldr x16, pthread_setspecific
        blr x16
        ldr x16, PyGILState_Ensure
        blr x16
        mov w19, w0
        ldr x0, object
        add x1, x29, #48
        bl call_python
        mov x22, x0
        cbnz x22, returned
        cmp x20, #1
        b.hi raised
        ldr x0, object
        ldr x16, PyErr_WriteUnraisable
        blr x16
        stp xzr, xzr, [x29, #48]
        movi v0.2d, #0
        stp q0, q0, [x29, #128]
        stp q0, q0, [x29, #160]
        b go_on
    raised:
        mov w0, w19
        ldr x16, PyGILState_Release
        blr x16
        b leave
    returned:
        mov x0, x22
        ldr x16, Py_DecRef
        blr x16
    go_on:
        mov w0, w19
        ldr x16, PyGILState_Release
        blr x16
        ldr x0, key
        mov x1, x20
        ldr x16, pthread_setspecific
        blr x16
        mov sp, x29
        ldp x0, x1, [sp, #48]
        ldp q0, q1, [sp, #128]
        ldp q2, q3, [sp, #160]
        ldp x19, x20, [sp, #16]
        ldp x21, x22, [sp, #32]
        ldp x29, x30, [sp], #288
        ret
        .balign 8
    fp_at: .quad 0
    v_at: .quad 0
    key: .quad 0
    counts: .quad 0
    object: .quad 0
    preparing: .quad 0
    raising: .quad 0
    looking: .quad 0
    pthread_getspecific: .quad 0
    pthread_setspecific: .quad 0
    PyEval_SaveThread: .quad 0
    PyEval_RestoreThread: .quad 0
    PyGILState_Ensure: .quad 0
    PyGILState_Release: .quad 0
    PyLong_FromUnsignedLongLong: .quad 0
    PyObject_CallOneArg: .quad 0
    Py_DecRef: .quad 0
    PyErr_WriteUnraisable: .quad 0
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

from armexec.engines.native_calls.context import Registers, SavedVectors
from armexec.errors import HostError
from armexec.memory import Protection, allocate, page_size

__all__ = ["AT", "C_LIBRARY", "OBJECTS", "PYTHON", "WORDS", "Objects", "Routines"]

WORDS = """
    ff4333d1 fd7b00a9 fd030091 f35301a9 f55b02a9 f76303a9 f96b04a9 fb7305a9 e827066d ea2f076d ec37086d ee3f096d
    09443bd5 e95300f9 ff5f00f9 e0070ca9 e20f0da9 e4170ea9 e61f0fa9 e00708ad e20f09ad e4170aad e61f0bad 330640f9
    f37f18a9 b51e0058 401e0058 b01f0058 00023fd6 e05700f9 600000b4 a90240f9 490100b4 201e0058 e1030091 4d000094
    a00700b4 70200058 00023fd6 e9c740f9 3f0500f1 00070054 a90640f9 29050091 a90600f9 f01d0058 00023fd6 e05b00f9
    801b0058 e1030091 101d0058 00023fd6 e0074ca9 e20f4da9 e4174ea9 e61f4fa9 e00748ad e20f49ad e4174aad e61f4bad
    ea030091 e9c740f9 3f0100f1 29118a9a 2a0d1ff8 3f010091 60023fd6 e90340f9 3f010091 e0070ca9 e00708ad e20f09ad
    f3031faa 07000014 330080d2 02000014 f3031faa 9f020091 e95340f9 09441bd5 80170058 e15740f9 10190058 00023fd6
    e05b40f9 30190058 00023fd6 e9160058 2a0940f9 4a050091 2a0900f9 d30000b4 00170058 e1030691 12000094 30190058
    00023fd6 e0074ca9 e00748ad e20f49ad f35341a9 f55b42a9 f76343a9 f96b44a9 fb7345a9 e827466d ea2f476d ec37486d
    ee3f496d fd7b40a9 ff433391 c0035fd6 fd7bbea9 fd030091 f55b01a9 f50300aa e00301aa f0150058 00023fd6 f60300aa
    560100b4 e10316aa e00315aa 70150058 00023fd6 f50300aa e00316aa 30150058 00023fd6 e00315aa f55b41a9 fd7bc2a8
    c0035fd6 69100058 0900098b 2a2d4029 2a441bd5 0b441bd5 09100058 0900098b 200540ad 220d41ad 241542ad 261d43ad
    282544ad 2a2d45ad 2c3546ad 2e3d47ad 304548ad 324d49ad 34554aad 365d4bad 38654cad 3a6d4dad 3c754ead 3e7d4fad
    000020d4 e90302d1 8ac640f9 5f0100f1 2901949a 3fed7c92 400d0058 815640f9 3f0000f1 e1079f9a 900e0058 00023fd6
    100f0058 00023fd6 f503002a 600d0058 81020691 c3ffff97 f60300aa 300f0058 00023fd6 e003152a 100e0058 00023fd6
    16f3ffb4 e00a0058 e10314aa 700c0058 00023fd6 80420691 e1031faa caffff17 fd7baea9 fd030091 e9033fd1 3f0140f9
    f35301a9 f55b02a9 e00703a9 e20f04a9 e41705a9 e61f06a9 e83b00f9 e00704ad e20f05ad e41706ad e61f07ad e9830491
    e97f10a9 2a4240d1 fe2b11a9 a0070058 10090058 00023fd6 f40300aa e10300aa 9f0600f1 a9000054 815640f9 89c640f9
    490000b4 9f020091 40060058 3f0000f1 e1079f9a b0070058 00023fd6 30080058 00023fd6 f303002a c0050058 a1c30091
    8cffff97 f60300aa f60100b5 9f0600f1 28010054 e0040058 10080058 00023fd6 bf7f03a9 00e4006f a00304ad a00305ad
    08000014 e003132a 10060058 00023fd6 58ffff17 e00316aa 50060058 00023fd6 e003132a 30050058 00023fd6 20020058
    e10314aa b0030058 00023fd6 bf030091 e00743a9 e00744ad e20f45ad f35341a9 f55b42a9 fd7bd2a8 c0035fd6 1f2003d5
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
"""
AT = {
    "enter": 0,
    "faulted": 296,
    "leave": 304,
    "begin": 532,
    "begins": 624,
    "interrupted": 628,
    "call_host": 752,
}
"""Where the routines begin, in bytes."""
PROLOGUE = 76
"""Bytes from the beginning of `call_host` in which only the guest's stack is accessed."""
OBJECTS = ("object", "preparing", "raising", "looking")
C_LIBRARY = ("pthread_getspecific", "pthread_setspecific")
PYTHON = (
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyLong_FromUnsignedLongLong",
    "PyObject_CallOneArg",
    "Py_DecRef",
    "PyErr_WriteUnraisable",
)


class Objects(NamedTuple):
    """What the routines call of Python."""

    host: Callable[[int], object]
    """With the address of the frame of a call of a host function."""
    preparing: Callable[[int], object]
    """With the address of an `Entered`, before a call on a thread that has never run guest code or has limits, or when
    no calls went on."""
    raising: Callable[[int], object]
    """With the address of a `Left`: it raises what the signal tells of."""
    looking: Callable[[int], object]
    """With the address of a `Left`: it looks at Python's signals, and at limits. It may raise."""


class Counts(ctypes.Structure):
    """Whether the next call is to ask Python (`preparing`), and how many calls have begun and ended."""

    parked: int
    begun: int
    ended: int

    _fields_ = (("parked", ctypes.c_uint64), ("begun", ctypes.c_uint64), ("ended", ctypes.c_uint64))


def _new_key(libc: Any) -> int:
    key = ctypes.c_uint64()
    if libc.pthread_key_create(ctypes.byref(key), None):
        raise HostError("the C library gives no thread-specific data (pthread_key_create): the process has used it up")
    return key.value


def address_of(library: Any, name: str) -> int:
    """The address of a function of a library of ctypes."""
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


class Routines:
    """The routines in executable memory, by name.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self, objects: Objects) -> None:
        libc = ctypes.CDLL(None)
        self.key = _new_key(libc)
        self.counts = Counts()
        self._objects = objects
        vectors = Registers.vectors.offset
        words = [
            vectors + SavedVectors.fpsr.offset,
            vectors + SavedVectors.v.offset,
            self.key,
            ctypes.addressof(self.counts),
            # An object of CPython is at its id.
            *map(id, objects),
            *(address_of(libc, name) for name in C_LIBRARY),
            *(address_of(ctypes.pythonapi, name) for name in PYTHON),
        ]
        self._region = allocate(len(bytes.fromhex(WORDS)), executable=True)
        data = b"".join(word.to_bytes(8, "little") for word in words)
        self._region.write(0, bytes.fromhex(WORDS)[: -len(data)] + data)
        self._region.seal([(0, page_size(), Protection.READ | Protection.EXECUTE)])
        base = self._region.address
        self.enter, self.call_host = base + AT["enter"], base + AT["call_host"]
        self.begin, self.begins = base + AT["begin"], base + AT["begins"]
        self.faulted, self.leave, self.interrupted = base + AT["faulted"], base + AT["leave"], base + AT["interrupted"]
