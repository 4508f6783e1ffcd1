"""What a new thread of the guest begins with."""

from __future__ import annotations

from collections.abc import Callable

from armexec.callbacks import SystemCallHandler
from armexec.engines import Engine, LoadedImage
from armexec.sources.images import words_image

__all__ = ["START", "ThreadStart"]

START = (
    0xD51BD046,  # msr tpidr_el0, x6
    0x910000FF,  # mov sp, x7
    0xAA0803F1,  # mov x17, x8
    0xD2801B88,  # mov x8, #220
    0xD61F0220,  # br x17
)
"""A thread's registers are in a `CallFrame`: X6 to X8 are TPIDR_EL0, SP and the pc."""


class ThreadStart:
    """Runs `START` in an engine. It is loaded when the first thread starts."""

    def __init__(self, engine: Engine, loaded: LoadedImage, offset: int, answer: SystemCallHandler) -> None:
        """`loaded` is the image whose code threads run, with some function at `offset`; `answer` does its system calls.
        Its memory stays as long as this object and the threads."""
        self._engine = engine
        self._loaded = loaded
        self._offset = offset
        self._answer = answer
        self._start: tuple[LoadedImage, Callable[[int], None]] | None = None

    def enter(self) -> Callable[[int], None]:
        """What takes the address of a thread's frame, and runs the thread. Raises what loading an image raises."""
        if self._start is None:
            start = self._engine.load(words_image(START, "thread", entry="start"), lambda name: None)
            start.answer_system_calls(self._answer)
            bound = start.bind_frame(0)
            # The module may be closed while a thread is in a function of Python. What is bound holds the code.
            code = self._loaded.bind_frame(self._offset)

            def run(frame: int, _code: object = code) -> None:
                bound(frame)

            self._start = start, run
        return self._start[1]

    def close(self) -> None:
        """Give the memory back, when the last thread has ended."""
        if self._start is not None:
            self._start[0].close()
            self._start = None
