"""A seccomp filter: only the system calls that running the guest needs are left, and some only for some arguments.

Everything else, also what future kernels add, returns EPERM. System calls of another architecture's numbers, such as
`int 0x80` on x86-64, end the process.

Source: Linux's Documentation/userspace-api/seccomp_filter.rst; include/uapi/linux/seccomp.h, filter.h, audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

from armexec.isolation.sandbox.numbers import ALLOWED, AUDIT_ARCHITECTURES, SECCOMP, numbers

__all__ = ["can_filter", "install", "program"]

_PR_GET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 21, 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_LOAD, _AND, _EQUALS, _RETURN = 0x20, 0x54, 0x15, 0x06  # BPF_LD|W|ABS, BPF_ALU|AND|K, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_INSTRUCTION = struct.Struct("<HBBI")


class _Rule(NamedTuple):
    """A system call is allowed, or isn't, if an argument's lower 32 bits, under a mask, have one of these values."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    allowed: bool = True


def program(architecture: str, process: int) -> bytes:
    """The instructions of the filter, for a processor's name as `platform.machine` gives it and a process's id.

    Raises KeyError for another processor.
    """
    deny = _ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUALS, 1, 0, AUDIT_ARCHITECTURES[architecture]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    known = numbers(architecture)
    for name in ALLOWED:
        if name in known:
            code += [(_EQUALS, 0, 1, known[name]), (_RETURN, 0, 0, _ALLOW)]
    for name, rule in _rules(process).items():
        if name in known:
            tests = [(_EQUALS, len(rule.values) - i, 0, value) for i, value in enumerate(rule.values)]
            body = [
                (_LOAD, 0, 0, _ARGUMENTS + 8 * rule.argument),
                (_AND, 0, 0, rule.mask),
                *tests,
                (_RETURN, 0, 0, deny if rule.allowed else _ALLOW),
                (_RETURN, 0, 0, _ALLOW if rule.allowed else deny),
            ]
            code += [(_EQUALS, 0, len(body), known[name]), *body]
    code.append((_RETURN, 0, 0, deny))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def _rules(process: int) -> dict[str, _Rule]:
    return {
        # Signals to threads of this process, as abort and the watch of running calls send them.
        "tgkill": _Rule(0, (process,)),
        # PR_SET_NAME, PR_GET_MDWE, PR_SET_VMA
        "prctl": _Rule(0, (15, 66, 0x53564D41)),
        # Not MAP_SHARED with MAP_ANONYMOUS, which no limit counts.
        "mmap": _Rule(3, (0x21,), 0x21, allowed=False),
        # F_GETFD, F_GETFL, F_DUPFD_CLOEXEC
        "fcntl": _Rule(1, (1, 3, 1030)),
    }


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def can_filter() -> bool:
    """Whether this kernel has such filters, and the processor's system calls are known."""
    return platform.machine() in AUDIT_ARCHITECTURES and ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def install() -> None:
    """Install the filter in all threads of this process, for ever.

    Raises:
        OSError: the kernel has no filters, or this processor's system calls aren't known.
    """
    architecture = platform.machine()
    if architecture not in AUDIT_ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"the system calls of {architecture} aren't known")
    code = program(architecture, os.getpid())
    data = ctypes.create_string_buffer(code, len(code))
    filter = _Program(len(code) // _INSTRUCTION.size, ctypes.addressof(data))
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if done == 0:
        done = libc.syscall(SECCOMP[architecture], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(filter))
    if done != 0:
        number = ctypes.get_errno() if done < 0 else errno.EBUSY  # a thread that has another filter
        raise OSError(number, f"the filter of system calls can't be installed: {os.strerror(number)}")
