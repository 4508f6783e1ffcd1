"""The variable arguments of a function of Python that the guest calls, as <stdarg.h> gives them to one of C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from armexec.abi.frames import CalleePlan
from armexec.errors import SignatureError
from armexec.module.arguments.variable_types import argument_type

if TYPE_CHECKING:
    from armexec.abi.placement import CallingConvention
    from armexec.memory import SandboxMemory
    from armexec.objects import CType, Prototype

__all__ = ["VariableArguments", "VariablePlans"]


class VariablePlans:
    """How the arguments of one prototype are read, for each row of types of variable ones."""

    def __init__(
        self, prototype: Prototype, convention: CallingConvention, sandbox: SandboxMemory | None = None
    ) -> None:
        """`sandbox`: the memory of the sandbox that the guest is in."""
        self.prototype = prototype
        self._sandbox = sandbox
        self.convention = convention
        # Types may refer to themselves, so their ids stand for them. What is in a row stays.
        self._made: dict[tuple[int, ...], tuple[CalleePlan, tuple[CType, ...]]] = {}
        self._types: dict[str, CType] = {}

    def plan(self, types: tuple[CType, ...] = ()) -> CalleePlan:
        """The plan for these types. Raises SignatureError."""
        key = tuple(map(id, types))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = CalleePlan(self.prototype, self.convention, types, sandbox=self._sandbox), types
        return found[0]

    def type(self, given: Any) -> CType:
        """The type that a text or a class stands for. Raises SignatureError."""
        if isinstance(given, str) and given in self._types:
            return self._types[given]
        found = argument_type(given, self.convention, f"`{self.prototype}`")
        if isinstance(given, str):
            self._types[given] = found
        return found


class VariableArguments:
    """The variable arguments of one call, which is the last argument of the function of Python. They tell neither their
    number nor their types: as in C, other arguments say that, such as the text of `printf`.
    """

    def __init__(self, plans: VariablePlans, block: memoryview) -> None:
        self._plans = plans
        self._block: memoryview | None = block
        self._types: tuple[CType, ...] = ()

    def next(self, type: Any) -> Any:
        """The next argument, which must have this type: a number, the value of a struct, or the address that a pointer
        has, as for the arguments that have names.

        Args:
            type: C text such as "int", "double" or "const char *", one of `mod.types`, or a class of ctypes or NumPy.
                C promotes `float` to `double`, and what is smaller than `int` to that.

        Raises:
            SignatureError: no argument can have that type, or the function has returned.
            Error: the guest's stack can't be read.
        """
        if self._block is None:
            raise SignatureError(f"`{self._plans.prototype}`: its variable arguments are gone, since it has returned")
        types = (*self._types, self._plans.type(type))
        value = self._plans.plan(types).arguments(self._block)[-1]
        self._types = types
        return value

    def close(self) -> None:
        """The function has returned."""
        self._block = None

    def __repr__(self) -> str:
        return f"<variable arguments of `{self._plans.prototype}`, {len(self._types)} taken>"
