"""The calls that are going on, out of the instructions that leave for somewhere else.

Sessions, and the calls of traces, come from here, so that they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from armexec.isa.transfers import Transfer

__all__ = ["CallStack", "OpenCall"]

# Plain numbers are faster to compare.
_DIRECT, _CALL, _RETURN = int(Transfer.DIRECT), int(Transfer.CALL), int(Transfer.RETURN)


class OpenCall:
    """A call that hasn't returned: the time and the address of its instruction, and the stack pointer there.

    `outer` is the one that was going on, and `depth` how many there are with this one. It never changes, so keeping one
    keeps all that were going on.
    """

    __slots__ = ("depth", "outer", "pc", "sp", "time")

    def __init__(self, time: int, pc: int, sp: int, outer: OpenCall | None) -> None:
        self.time = time
        self.pc = pc
        self.sp = sp
        self.outer = outer
        self.depth: int = 1 if outer is None else outer.depth + 1

    @property
    def returns_to(self) -> int:
        return self.pc + 4


class CallStack:
    """Follows a run from one instruction that leaves to the next.

    A call is over when what may return comes to the instruction behind it. What leaves several frames at once, such as
    `longjmp` or an exception, comes to a higher stack pointer than the calls in these frames have had: they are over,
    and so is the one that was made at this stack pointer. One that comes behind another call at the same stack pointer
    is a `longjmp` out of the frame of `setjmp` itself.

    `base`: the stack pointer at the beginning. One that is higher is that of another stack.
    `follows_call`: whether the instruction before an address is a call.
    """

    def __init__(self, base: int, follows_call: Callable[[int], bool]) -> None:
        self.innermost: OpenCall | None = None
        self._base = base
        self._follows_call = follows_call

    @property
    def depth(self) -> int:
        """The number of open calls."""
        return 0 if self.innermost is None else self.innermost.depth

    def __iter__(self) -> Iterator[OpenCall]:
        """The calls, the innermost first."""
        call = self.innermost
        while call is not None:
            yield call
            call = call.outer

    def leave(self, time: int, kind: int, pc: int, target: int, sp: int) -> None:
        """An instruction has left for another one than the next.

        Args:
            time: how many instructions were executed with it; the time of a call is one less.
            kind: how it leaves, a `Transfer`. What is `DIRECT` changes nothing.
            pc: its address.
            target: where it has gone to.
            sp: the stack pointer then.
        """
        self.follow(((time, kind, pc, target, sp),))

    def follow(self, leaves: Iterable[tuple[int, int, int, int, int]], depth: int = 0) -> int | None:
        """Follow instructions one after the other, until fewer than `depth` calls are going on; the time then.

        `leaves`: for each what `leave` takes.
        """
        innermost = self.innermost
        for time, kind, pc, target, sp in leaves:
            if kind == _CALL:
                innermost = OpenCall(time - 1, pc, sp, innermost)
            elif innermost is not None and kind != _DIRECT:
                innermost = innermost.outer if innermost.pc + 4 == target else self._left(innermost, kind, target, sp)
                if (0 if innermost is None else innermost.depth) < depth:
                    self.innermost = innermost
                    return time
        self.innermost = innermost
        return None

    def _left(self, innermost: OpenCall, kind: int, target: int, sp: int) -> OpenCall | None:
        """The innermost call that is still going on, where it isn't just the last one that returns."""
        call: OpenCall | None = innermost
        if sp <= self._base:
            while call is not None and call.sp < sp:
                call = call.outer
        left_frames = call is not innermost
        at = call
        while at is not None and at.sp <= sp:
            if at.returns_to == target:
                return at.outer
            at = at.outer
        if left_frames or (kind == _RETURN and self._follows_call(target)):
            while call is not None and call.sp <= sp:
                call = call.outer
        return call
