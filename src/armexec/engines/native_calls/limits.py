"""Limits of native calls: of instructions, and of stacks.

A processor counts no instructions for us at full speed. So a call that has a limit of instructions is interpreted:
slow, and exact, with the same memory, functions of Python, and exceptions. A call with a stack's size runs on the
processor, on a stack of that size.

A thread with limits has a word of 0 between calls (routines.py), so each call asks Python here, and other threads'
calls don't.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from armexec.cpu.call_frame import CallFrame
from armexec.engines.native_calls.context import DONE, Entered
from armexec.engines.native_calls.own_stacks import own_stack
from armexec.engines.native_calls.routines import Routines
from armexec.resource_limits import guest_sizes, instruction_budget

__all__ = ["Limits"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class Limits:
    """What is done before calls of threads that have limits. `find` finds functions of Python by their addresses."""

    def __init__(self, routines: Routines, find: Callable[[int], Callable[[CallFrame], None] | None]) -> None:
        self._routines = routines
        self._find = find
        # With the GIL held: it does less than letting it go would.
        self._set_word = ctypes.PyDLL(None).pthread_setspecific
        self._set_word.argtypes = (ctypes.c_ulong, ctypes.c_void_p)
        instruction_budget.began.append(self._ask_again)
        guest_sizes.changed.append(self._ask_again)

    def _ask_again(self) -> None:
        """The next call of this thread asks Python. While Python runs, the thread has no way out to lose."""
        self._set_word(self._routines.key, None)

    def apply(self, entered: Entered, at: int) -> None:
        """Called before a call, with its frame and the address of that.

        Raises:
            HostError: there is no memory for a stack.
            ExecutionError: of the call, if it is made here; and what functions of Python raise.
        """
        size = guest_sizes.sizes().stack
        is_counted = instruction_budget.instruction_limit() is not None
        entered.word = 0 if is_counted or size is not None else 1
        # A Cpu has limits and a stack of its own.
        if entered.entry == self._routines.begin:
            return
        if is_counted:
            # Only now: it imports the whole instruction set.
            from armexec.engines.native_calls.interpreting import interpret

            interpret(entered, self._find)
            entered.stack = DONE
        elif size is not None:
            entered.stack = own_stack(size, at).stack_pointer
