"""Calls of the guest's functions: Python's arguments into a frame, and the result out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from armexec.abi.checks import as_float, as_integer, encoded
from armexec.abi.frames.block import BLOCK_SIZE, STACK_OFFSET, STACK_SIZE_OFFSET, X_OFFSET, ArgumentFrame, place_offset
from armexec.abi.frames.fields import Piece, code_of, is_plain, packer, slices
from armexec.abi.integers import integer_range
from armexec.abi.placement import CallingConvention, Part, Placement, StackSlot
from armexec.abi.values import Struct, codec
from armexec.abi.variadic import promoted
from armexec.objects import CType, Parameter, Prototype

__all__ = ["CallerPlan"]

_ALIGN = 16


class CallerPlan:
    """How the arguments of one prototype get into a frame. The code that does it is generated once.

    `placement` says where all is, `stack_size` how many bytes of the stack are copied from behind the block.
    """

    def __init__(
        self,
        prototype: Prototype,
        convention: CallingConvention,
        variable: Sequence[CType] = (),
        *,
        sandbox: bool = False,
    ) -> None:
        """Plan the calls of a prototype; `variable` are the types of a variadic function's further arguments, before
        C's default argument promotions or after. `sandbox`: what is passed by reference, and a result in memory, is in
        a sandbox; then the owners are `LentOwners`.

        Raises:
            SignatureError: a type can't be passed.
        """
        # C converts a value to the type that it has before the promotion.
        first = len(prototype.parameters)
        self._before = {first + n: ctype for n, ctype in enumerate(variable) if promoted(ctype) is not ctype}
        variable = [promoted(ctype) for ctype in variable]
        self._sandbox = sandbox
        self.placement = Placement.of(prototype, convention, variable)
        self.stack_size = self.placement.stack_size
        # Messages count the further arguments on.
        self.prototype = replace(
            prototype, parameters=(*prototype.parameters, *(Parameter("", ctype) for ctype in variable))
        )
        self._align = _ALIGN
        self._size = BLOCK_SIZE + self.stack_size
        self.free: list[ArgumentFrame] = []
        """Frames that no call uses."""
        self._indirect = self._result_room()
        self.fill: Callable[..., None] = self._make_fill()
        """`fill(frame, alive, *values)` checks the arguments and puts them into a frame. The objects whose addresses
        are passed are added to `alive`. Raises SignatureError."""
        self.result: Callable[[ArgumentFrame], Any] = self._make_result()
        """`result(frame)` is the Python value of the result, when the registers at the return are in the block."""

    def take(self) -> ArgumentFrame:
        """A frame for one call, to be given back by `give`."""
        try:
            return self.free.pop()
        except IndexError:
            return ArgumentFrame(self._size, self._align)

    def give(self, frame: ArgumentFrame) -> None:
        """Give a frame back, so that another call can have it."""
        self.free.append(frame)

    def _room(self, ctype: CType) -> int:
        """The offset in the frame of memory for a value."""
        align = max(ctype.align, _ALIGN)
        self._align = max(self._align, align)
        at = -(-self._size // align) * align
        self._size = at + ctype.size
        return at

    def _result_room(self) -> int | None:
        result = self.placement.result
        return self._room(self.prototype.result) if result and result[0].format == "address" else None

    def _make_fill(self) -> Callable[..., None]:
        pieces = [
            Piece(STACK_OFFSET, "Q", f"_address + {BLOCK_SIZE}"),
            Piece(STACK_SIZE_OFFSET, "Q", str(self.stack_size)),
        ]
        if self._indirect is not None:
            place = "_frame.room.address" if self._sandbox else f"_address + {self._indirect}"
            pieces.append(Piece(X_OFFSET + 8 * 8, "Q", place))
        scope: dict[str, Any] = {
            "_float": as_float,
            "_integer": as_integer,
            "_encoded": encoded,
            "_prototype": self.prototype,
            # Debuggers, pytest and notebooks leave this frame out.
            "__tracebackhide__": True,
        }
        body = ["_address = _frame.address"]
        if self._indirect is not None and self._sandbox:
            body.append(f"_frame.room = _alive.room({self.prototype.result.size})")
        names = [f"_{n}" for n in range(len(self.prototype.parameters))]
        for n, (parameter, parts) in enumerate(zip(self.prototype.parameters, self.placement.arguments, strict=True)):
            if n in self._before:
                scope[f"_before{n}"] = codec(self._before[n])
                body.append(f"_{n} = _before{n}.unpack(_encoded(_prototype, {n}, _{n}, _before{n}, _alive))")
            body.append(self._check(n, parameter.type, scope))
            pieces += self._pieces(names[n], parameter.type, parts)
        made, texts = packer(pieces)
        scope["_pack"] = made.pack_into
        body.append(f"_pack(_frame.data, 0, {', '.join(texts)})")
        lines = [f"def fill({', '.join(['_frame', '_alive', *names])}):", *(f"    {line}" for line in body)]
        exec("\n".join(lines), scope)
        fill: Callable[..., None] = scope["fill"]
        return fill

    def _check(self, n: int, ctype: CType, scope: dict[str, Any]) -> str:
        """The line that checks an argument and converts it to what is packed."""
        if ctype.kind == "float" and is_plain(ctype):
            return f"if _{n}.__class__ is not float: _{n} = _float(_prototype, {n}, _{n})"
        if is_plain(ctype) and ctype.kind != "pointer":
            low, high = integer_range(ctype)
            return (
                f"if _{n}.__class__ is not int or not {low} <= _{n} <= {high}: "
                f"_{n} = _integer(_prototype, {n}, _{n}, {low}, {high})"
            )
        found = scope[f"_codec{n}"] = codec(ctype)
        encode = f"_encoded(_prototype, {n}, _{n}, _codec{n}, _alive)"
        if isinstance(found, Struct):
            # A value of the class has its bytes, and mostly refers to nothing.
            scope[f"_class{n}"] = found.made
            return f"_{n} = bytes(_{n}._data) if _{n}.__class__ is _class{n} and not _{n}._alive else {encode}"
        return f"_{n} = {encode}"

    def _pieces(self, name: str, ctype: CType, parts: Sequence[Part]) -> list[Piece]:
        if parts and parts[0].format == "address":
            if self._sandbox:
                return [Piece(place_offset(parts[0]), "Q", f"_alive.place({name})")]
            at = self._room(ctype)
            pieces = [Piece(place_offset(parts[0]), "Q", f"_address + {at}")]
            return [*pieces, Piece(at, f"{ctype.size}s", name)] if ctype.size else pieces
        if is_plain(ctype) and ctype.kind != "pointer":
            (part,) = parts
            size = part.place.size if isinstance(part.place, StackSlot) else 8
            # An enum without a known sign has values of both.
            code = code_of(ctype, size)
            text = name
            if ctype.kind != "float" and not ctype.signed and integer_range(ctype)[0] < 0:
                text = f"{name} & {(1 << 8 * size) - 1}"
            return [Piece(place_offset(part), code, text)]
        joined = slices([(place_offset(part), part) for part in parts])
        if len(joined) == 1 and joined[0][1:] == (0, ctype.size):
            return [Piece(joined[0][0], f"{ctype.size}s", name)]
        return [Piece(at, f"{size}s", f"{name}[{first}:{first + size}]") for at, first, size in joined]

    def _make_result(self) -> Callable[[ArgumentFrame], Any]:
        ctype = self.prototype.result
        parts = self.placement.result
        if ctype.kind == "void":
            return lambda frame: None
        unpack = codec(ctype).unpack
        at: int | None = self._indirect
        if at is not None and self._sandbox:
            return lambda frame: unpack(frame.room.read())
        if at is None:
            joined = slices([(place_offset(part), part) for part in parts])
            if not joined:
                empty = bytes(ctype.size)
                return lambda frame: unpack(empty)
            if len(joined) > 1:
                made, _ = packer([Piece(offset, f"{size}s", "") for offset, _, size in joined])
                read, join = made.unpack_from, b"".join
                return lambda frame: unpack(join(read(frame.data)))
            at = joined[0][0]
        end = at + ctype.size
        if is_plain(ctype) and ctype.kind != "bool":
            return _reader(code_of(ctype, ctype.size), at)
        return lambda frame: unpack(frame.data[at:end])


def _reader(code: str, at: int) -> Callable[[ArgumentFrame], Any]:
    """A function that reads one number at an offset."""
    import struct

    read = struct.Struct("<" + code).unpack_from
    return lambda frame: read(frame.data, at)[0]
