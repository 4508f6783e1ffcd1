"""A call whose arguments are placed, and that somebody else makes: a debugger, instruction by instruction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from armexec.abi.checks import MISSING, by_position, count_of, parameter_names
from armexec.abi.frames.caller import CallerPlan
from armexec.abi.frames.lent_memory import LentMemory, memory_of
from armexec.abi.lists import write_back
from armexec.abi.placement import CallingConvention
from armexec.abi.variadic import variable_arguments
from armexec.cpu.call_frame import CallFrame
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["PreparedCall"]

_MOST_LENDERS = 16


class PreparedCall:
    """The arguments of one call in a frame. It keeps the memory whose addresses are passed.

    `block` has the registers and the stack arguments. Whoever makes the call puts the registers at the return into it,
    and then asks for `result`.

    Raises:
        SignatureError: the arguments don't fit, or a type can't be passed.
    """

    def __init__(
        self,
        prototype: Prototype,
        convention: CallingConvention,
        values: Sequence[Any],
        named: dict[str, Any],
        *,
        convert: Callable[[Any], Any] | None = None,
        owners: Callable[[], list[Any]] = list,
        variable: Sequence[CType] | None = None,
        sandbox: bool = False,
    ) -> None:
        names = parameter_names(prototype)
        fixed, further = list(values[: len(names)]), list(values[len(names) :])
        types: Sequence[CType] = ()
        if not prototype.variadic and further:
            raise SignatureError(f"`{prototype}` takes {count_of(len(names))}, not {len(values)}")
        if prototype.variadic and variable is not None:
            if len(further) != len(variable):
                raise SignatureError(f"`{prototype}` takes {len(variable)} further arguments here, not {len(further)}")
            types = variable
        elif prototype.variadic:
            _, types, further = variable_arguments(prototype, further, convention)
        given = (*fixed, *[MISSING] * (len(names) - len(fixed)))
        arguments = by_position(prototype, given, (), named)
        self._plan = CallerPlan(prototype, convention, types, sandbox=sandbox)
        self._convert = convert
        self._frame = self._plan.take()
        self._alive = owners()
        self._lenders: list[Any] | None = None
        self._plan.fill(self._frame, self._alive, *arguments, *further)

    @property
    def block(self) -> CallFrame:
        """The registers and where the stack arguments are."""
        return self._frame.block

    def lent(self) -> list[LentMemory]:
        """The largest pieces of memory that the guest is given, as they are now: an array may be resized."""
        if self._lenders is None:
            known = [
                (memory[1] - memory[0], owner) for owner in self._alive if (memory := memory_of(owner)) is not None
            ]
            self._lenders = [owner for _, owner in sorted(known, key=lambda pair: pair[0])[-_MOST_LENDERS:]]
        found = map(memory_of, self._lenders)
        return [memory for memory in found if memory is not None and memory[0] < memory[1]]

    def result(self) -> Any:
        """The result, when the registers at the return are in the block."""
        result = self._plan.result(self._frame)
        return result if self._convert is None else self._convert(result)

    def write_back(self) -> None:
        """Put what the guest has written into lists that were passed, and the like."""
        write_back(self._alive)
