"""The operands of generalized ufuncs, of functions that take pointers and lengths."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from armexec.arrays.core_signature import CoreSignature
from armexec.arrays.operands import operand
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype
from armexec.translate.array_loops.loop import Loop, Operand, Source

__all__ = ["GeneralizedOperands"]


class _Argument(NamedTuple):
    """A parameter: its operand or dimension, and what it stands for, in words."""

    source: Source
    what: str


class GeneralizedOperands:
    """Which parameter is what: pointers to inputs, then to outputs that aren't returned, then lengths.

    `numbers` are those of NumPy's types of the operands. Raises SignatureError where the prototype doesn't fit.
    """

    def __init__(self, prototype: Prototype, core: CoreSignature) -> None:
        self._prototype, self._core = prototype, core
        returns = prototype.result.kind != "void"
        if prototype.variadic:
            raise SignatureError(f"`{prototype}` is variadic: wrap it in C")
        if returns and core.outputs[-1]:
            self._refuse("a returned value has no core dimensions: give the output a pointer, and return void")
        shapes = (*core.inputs, *core.outputs)
        pointed = shapes[:-1] if returns else shapes
        arguments = [_Argument(Source("address", n), self._place(n)) for n in range(len(pointed))]
        arguments += [_Argument(Source("length", n), f"the length {core.dimensions[n]}") for n in core.lengths]
        if len(arguments) != len(prototype.parameters):
            self._refuse(f"expected {len(arguments)} parameters, not {len(prototype.parameters)}")
        sources = []
        self.numbers: list[int] = []
        operands: list[Operand] = []
        for parameter, (source, what) in zip(prototype.parameters, arguments, strict=True):
            ctype = parameter.type
            if source.kind == "length":
                if ctype.kind not in ("int", "enum") or ctype.size > 8:
                    self._refuse(f"`{parameter}` is {what}, and has to be an integer")
                sources.append(source)
                continue
            shape = shapes[source.number]
            kind = "address"
            is_output = source.number >= len(core.inputs)
            if ctype.kind != "pointer":
                if shape or is_output:
                    self._refuse(f"`{parameter}` is {what}, and has to be a pointer")
                kind = "value"
            elif is_output and ctype.target is not None and ctype.target.const:
                self._refuse(f"`{parameter}` is {what}, and can't be a pointer to const")
            sources.append(source._replace(kind=kind))
            element = ctype if kind == "value" else ctype.target
            operands.append(self._operand(element, str(parameter), shape, is_written=is_output))
        if returns:
            operands.append(self._operand(prototype.result, "the result", (), is_written=True))
        self.loop = Loop(tuple(sources), tuple(operands), len(shapes) - 1 if returns else -1, len(core.dimensions))

    def _place(self, number: int) -> str:
        """What an operand is called."""
        inputs = len(self._core.inputs)
        return f"input {number + 1}" if number < inputs else f"output {number - inputs + 1}"

    def _operand(self, ctype: CType | None, where: str, core: tuple[int, ...], *, is_written: bool) -> Operand:
        found = None if ctype is None else operand(ctype)
        if ctype is None or found is None:
            self._refuse(f"NumPy has no type for the elements of `{where}`")
        self.numbers.append(found.number)
        return Operand(ctype.size, core, found.dtype == "bool", is_written)

    def _refuse(self, why: str) -> NoReturn:
        core = self._core
        returned = self._prototype.result.kind != "void" and not core.outputs[-1]
        outputs = len(core.outputs) - returned
        wanted = [f"{len(core.inputs)} input{'s' * (len(core.inputs) > 1)} (pointers; scalars may be values)"]
        if outputs:
            wanted.append(f"{outputs} output{'s' * (outputs > 1)} (pointers)")
        names = [core.dimensions[n] for n in core.lengths]
        if names:
            wanted.append(f"the length{'s' * (len(names) > 1)} {', '.join(names)} (integers)")
        raise SignatureError(
            f"`{self._prototype}` doesn't fit {core}: {why}. Its parameters would be: {', '.join(wanted)}"
        )
