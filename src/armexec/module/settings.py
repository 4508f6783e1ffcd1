"""What a module is loaded with beside its engine and its imports."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import SignatureError
from armexec.resource_limits.run_limits import check_limits, limits

if TYPE_CHECKING:
    from armexec.module.imports import Import

__all__ = ["Origin", "Settings"]


@dataclass(frozen=True)
class Settings:
    """The defaults of a module; None: there is no such limit, or the usual size.

    `time_limit`: seconds that a call from Python may take. `instruction_limit`: how many instructions of the guest it
    may execute. `stack_size`: bytes of its stack. `memory_limit`: bytes by which the module's memory may grow, in all
    calls. `isolate`: "process" has the code run in a process of its own; None: in this one.
    `sandbox`: the code reaches no memory but its own, and what is passed to it is copied.

    Raises:
        SignatureError: one has a value that it can't have.
    """

    time_limit: float | None = None
    instruction_limit: int | None = None
    memory_limit: int | None = None
    stack_size: int | None = None
    isolate: str | None = None
    files: Mapping[str, str] | None = None
    sandbox: bool = False

    def __post_init__(self) -> None:
        if self.files is not None:
            from armexec.program.system_calls.folders import Folders

            # Those that use no library are checked too.
            Folders(self.files)
            object.__setattr__(self, "files", dict(self.files))
        check_limits(self.time_limit, self.instruction_limit, self.memory_limit, self.stack_size)
        if self.isolate not in (None, "process"):
            raise SignatureError(f'isolate is "process" or None, not {self.isolate!r:.60}')
        if self.isolate is not None and self.files:
            raise SignatureError('a function with isolate="process" can\'t open files: leave out isolate= or files=')
        if not isinstance(self.sandbox, bool):
            raise SignatureError(f"sandbox is True or False, not {self.sandbox!r:.60}")

    @property
    def has_limits(self) -> bool:
        """Whether calls from Python have limits."""
        return (self.time_limit, self.instruction_limit, self.stack_size) != (None, None, None)

    def limits(self) -> AbstractContextManager[object]:
        """The limits of one call, for a `with` block."""
        if not self.has_limits:
            return nullcontext()
        return limits(
            time_limit=self.time_limit,
            instruction_limit=self.instruction_limit,
            stack_size=self.stack_size,
        )


class Origin(NamedTuple):
    """What a module was loaded with, as the user gave it."""

    engine: str | None
    imports: Mapping[str, Import]
    settings: Settings
