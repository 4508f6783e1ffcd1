"""The system calls that a worker may make, with their numbers.

Source: Linux's arch/x86/entry/syscalls/syscall_64.tbl, and include/uapi/asm-generic/unistd.h for AArch64.
"""

from __future__ import annotations

__all__ = ["ALLOWED", "AUDIT_ARCHITECTURES", "SECCOMP", "numbers"]

AUDIT_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP = {"x86_64": 317, "aarch64": 277}
"""The number of seccomp(2)."""

# Name: (x86-64, AArch64); -1 where there is none.
_NUMBERS = {
    # Messages
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "poll": (7, -1),
    "ppoll": (271, 73),
    # Threads that are there already, and waiting
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "gettid": (186, 178),
    "getpid": (39, 172),
    # Memory
    "brk": (12, 214),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "mincore": (27, 232),
    # Files in memory, which are open or made here
    "memfd_create": (319, 279),
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "ftruncate": (77, 46),
    "close": (3, 57),
    # Signals of this process
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    # What is only asked for
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, -1),
    "times": (100, 153),
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getcpu": (309, 168),
    "sched_getaffinity": (204, 123),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    # The end
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# Allowed for some arguments only.
_BY_ARGUMENT = {"mmap": (9, 222), "tgkill": (234, 131), "prctl": (157, 167), "fcntl": (72, 25)}

ALLOWED = tuple(_NUMBERS)
"""The system calls that are allowed whatever their arguments."""


def numbers(architecture: str) -> dict[str, int]:
    """The numbers of a processor's system calls by name, as far as they stand here."""
    column = tuple(AUDIT_ARCHITECTURES).index(architecture)
    return {name: both[column] for name, both in {**_NUMBERS, **_BY_ARGUMENT}.items() if both[column] >= 0}
