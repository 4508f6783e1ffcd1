"""What an exception tells of a fault beside its place: the registers, and the calls that were going on.

What goes away is kept when the fault comes: the registers, and the top of the stack. The rest is found when somebody
asks.
"""

from __future__ import annotations

from armexec.engines.backtraces.guest import STACK_SIZE, StackCopy, fault_details, stack_copy
from armexec.engines.backtraces.places import Images, backtrace_of

__all__ = ["STACK_SIZE", "Images", "StackCopy", "backtrace_of", "fault_details", "stack_copy"]
