"""What the start-up code (`start.s`, `exceptions.s`) and Python know of each other."""

from __future__ import annotations

__all__ = ["CAUGHT", "EXCEPTIONS", "FINISH", "FLUSH", "LEAVE", "START"]

START = "__armexec_start"
"""The function that makes the C library of an image ready and calls the constructors, where main isn't run. Its
argument is the address of the initial stack, its result the thread pointer."""
FINISH = "__armexec_finish"
"""The function that does what exit() does before it ends the process."""
FLUSH = "fflush"
"""The function that writes what is still buffered, if its argument is null."""
EXCEPTIONS = "__armexec_exceptions"
"""The variable that has the address of the thread's `__cxa_eh_globals` (Itanium C++ ABI, "Exception Handling", 2.2.2);
it is there where the C++ library is linked."""
CAUGHT = 0x8000
"""The system call by which an exception is told that leaves the guest. X0: the mangled name of its type, 0 if it isn't
of C++; X1: the text of what(), or 0; X2: the object; X3: the number of return addresses where it was thrown, and
behind it these, from the innermost."""
LEAVE = 0x8001
"""The system call that leaves the guest afterwards, when the exception has been destroyed."""
