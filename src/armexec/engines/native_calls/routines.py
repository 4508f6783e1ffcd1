"""The code between Python and native code. A trampoline (trampolines.py) leads to each routine.

`enter` calls the function whose address is the trampoline's argument, with the registers of its caller, and without the
GIL. It keeps what a call preserves (AAPCS64, 6.1.1 and 6.1.2), so the guest can be left from anywhere in it:
`leave` goes on where `enter` was called. Under a pthread key each thread has the SP of the innermost `enter` that has a
way out; 0 if there is none, and while Python runs on the guest's behalf.

`call_host` puts the registers of a call into a frame (`host_functions.HostCall`), and calls an object of Python with
the frame's address. If that raises an exception, this stays set while the guest is left, so it is raised where
`enter` was called. Without a way out the exception is written as one that can't be raised, and the result is 0.

The words are those of this text:

    enter:                              // X17: the trampoline's data
        stp x29, x30, [sp, #-384]!
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
        stp x0, x1, [sp, #192]
        stp x2, x3, [sp, #208]
        stp x4, x5, [sp, #224]
        stp x6, x7, [sp, #240]
        stp q0, q1, [sp, #256]
        stp q2, q3, [sp, #288]
        stp q4, q5, [sp, #320]
        stp q6, q7, [sp, #352]
        ldr x19, [x17, #8]
        ldr x0, key
        ldr x16, pthread_getspecific
        blr x16
        str x0, [sp, #168]              // the way out of an outer call
        ldr x0, key
        mov x1, sp
        ldr x16, pthread_setspecific
        blr x16
        ldr x16, PyEval_SaveThread
        blr x16
        str x0, [sp, #176]
        ldp x0, x1, [sp, #192]
        ldp x2, x3, [sp, #208]
        ldp x4, x5, [sp, #224]
        ldp x6, x7, [sp, #240]
        ldp q0, q1, [sp, #256]
        ldp q2, q3, [sp, #288]
        ldp q4, q5, [sp, #320]
        ldp q6, q7, [sp, #352]
        blr x19
        stp x0, x1, [sp, #192]
        stp q0, q1, [sp, #256]
        stp q2, q3, [sp, #288]
        b finish
    leave:                              // X20: the way out
        mov sp, x20
        ldr x9, [sp, #160]
        msr fpcr, x9
    finish:
        ldr x0, [sp, #176]
        ldr x16, PyEval_RestoreThread
        blr x16
        ldr x0, key
        ldr x1, [sp, #168]
        ldr x16, pthread_setspecific
        blr x16
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
        ldp x29, x30, [sp], #384
        ret
    call_host:                          // X17: the trampoline's data
        stp x29, x30, [sp, #-288]!
        mov x29, sp
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
        ldr x16, PyGILState_Ensure
        blr x16
        mov w19, w0
        ldr x0, key
        ldr x16, pthread_getspecific
        blr x16
        mov x20, x0
        ldr x0, key
        mov x1, xzr
        ldr x16, pthread_setspecific
        blr x16
        mov x22, xzr
        add x0, sp, #48
        ldr x16, PyLong_FromUnsignedLongLong
        blr x16
        mov x21, x0
        cbz x21, called
        mov x1, x21
        ldr x0, object
        ldr x16, PyObject_CallOneArg
        blr x16
        mov x22, x0
        mov x0, x21
        ldr x16, Py_DecRef
        blr x16
    called:
        cbnz x22, returned
        cbnz x20, raised
        ldr x0, object
        ldr x16, PyErr_WriteUnraisable
        blr x16
        stp xzr, xzr, [sp, #48]
        movi v0.2d, #0
        stp q0, q0, [sp, #128]
        stp q0, q0, [sp, #160]
        b resume
    raised:
        mov w0, w19
        ldr x16, PyGILState_Release
        blr x16
        b leave
    returned:
        mov x0, x22
        ldr x16, Py_DecRef
        blr x16
    resume:
        ldr x0, key
        mov x1, x20
        ldr x16, pthread_setspecific
        blr x16
        mov w0, w19
        ldr x16, PyGILState_Release
        blr x16
        ldp x0, x1, [sp, #48]
        ldp q0, q1, [sp, #128]
        ldp q2, q3, [sp, #160]
        ldp x19, x20, [sp, #16]
        ldp x21, x22, [sp, #32]
        ldp x29, x30, [sp], #288
        ret
        .balign 8
    key: .quad 0
    object: .quad 0
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
from typing import Any

from armexec.errors import HostError
from armexec.memory import Protection, allocate, page_size

__all__ = ["CALL_HOST_AT", "LIBC", "PYTHON", "WORDS", "Routines"]

WORDS = """
    fd7ba8a9 fd030091 f35301a9 f55b02a9 f76303a9 f96b04a9 fb7305a9 e827066d ea2f076d ec37086d ee3f096d 09443bd5
    e95300f9 e0070ca9 e20f0da9 e4170ea9 e61f0fa9 e00708ad e20f09ad e4170aad e61f0bad 330640f9 400f0058 b00f0058
    00023fd6 e05700f9 c00e0058 e1030091 500f0058 00023fd6 500f0058 00023fd6 e05b00f9 e0074ca9 e20f4da9 e4174ea9
    e61f4fa9 e00748ad e20f49ad e4174aad e61f4bad 60023fd6 e0070ca9 e00708ad e20f09ad 04000014 9f020091 e95340f9
    09441bd5 e05b40f9 100d0058 00023fd6 800b0058 e15740f9 100c0058 00023fd6 e0074ca9 e00748ad e20f49ad f35341a9
    f55b42a9 f76343a9 f96b44a9 fb7345a9 e827466d ea2f476d ec37486d ee3f496d fd7bd8a8 c0035fd6 fd7baea9 fd030091
    f35301a9 f55b02a9 e00703a9 e20f04a9 e41705a9 e61f06a9 e83b00f9 e00704ad e20f05ad e41706ad e61f07ad e9830491
    e97f10a9 2a4240d1 fe2b11a9 b0080058 00023fd6 f303002a c0060058 30070058 00023fd6 f40300aa 40060058 e1031faa
    d0060058 00023fd6 f6031faa e0c30091 90070058 00023fd6 f50300aa 350100b4 e10315aa 20050058 10070058 00023fd6
    f60300aa e00315aa d0060058 00023fd6 d60100b5 340100b5 00040058 70060058 00023fd6 ff7f03a9 00e4006f e00304ad
    e00305ad 08000014 e003132a 70040058 00023fd6 b1ffff17 e00316aa b0040058 00023fd6 e0010058 e10314aa 70020058
    00023fd6 e003132a 10030058 00023fd6 e00743a9 e00744ad e20f45ad f35341a9 f55b42a9 fd7bd2a8 c0035fd6 1f2003d5
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
"""
CALL_HOST_AT = 280
"""Where `call_host` begins, in bytes."""
LIBC = ("pthread_getspecific", "pthread_setspecific")
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


def _new_key(libc: Any) -> int:
    key = ctypes.c_uint64()
    if libc.pthread_key_create(ctypes.byref(key), None):
        raise HostError("the C library gives no thread-specific data (pthread_key_create): the process has used it up")
    return key.value


class Routines:
    """The routines in executable memory. `called` is the object that `call_host` calls, with the address of a frame.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self, called: Callable[[int], object]) -> None:
        libc = ctypes.CDLL(None)
        functions = [getattr(libc, name) for name in LIBC] + [getattr(ctypes.pythonapi, name) for name in PYTHON]
        addresses = [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in functions]
        # An object of CPython is at its id.
        self._called = called
        data = b"".join(word.to_bytes(8, "little") for word in (_new_key(libc), id(called), *addresses))
        code = bytes.fromhex(WORDS)
        self._region = allocate(len(code), executable=True)
        self._region.write(0, code[: -len(data)] + data)
        self._region.seal([(0, page_size(), Protection.READ | Protection.EXECUTE)])
        self.enter = self._region.address
        self.call_host = self._region.address + CALL_HOST_AT
