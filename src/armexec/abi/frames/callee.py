"""Calls of Python's functions by the guest: the arguments out of a block, and the result into it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from armexec.abi.frames.block import BLOCK_SIZE, STACK_OFFSET, X_OFFSET, place_offset
from armexec.abi.frames.fields import Piece, code_of, is_plain, packer, slices
from armexec.abi.guest_pointer import pointer_class
from armexec.abi.integers import integer_range
from armexec.abi.placement import CallingConvention, Placement, StackSlot
from armexec.abi.values import codec
from armexec.abi.variadic import promoted
from armexec.errors import SignatureError
from armexec.memory import HostMemory, SandboxMemory
from armexec.objects import CType, Prototype

__all__ = ["CalleePlan"]


@cache
def _memory() -> HostMemory:
    """This process's memory: one for all plans, since each has a file of its own."""
    return HostMemory()


class CalleePlan:
    """How the arguments of one prototype are read where the guest calls it. The code that does it is generated once.

    The block has the registers at the entry, X8 too, and SP in `stack`. Memory is read and written through `read` and
    `write`, by default this process's own, or the `sandbox`'s; what they raise for a bad address is passed on.
    """

    def __init__(
        self,
        prototype: Prototype,
        convention: CallingConvention,
        variable: Sequence[CType] = (),
        *,
        read: Callable[[int, int], bytes] | None = None,
        write: Callable[[int, bytes], None] | None = None,
        sandbox: SandboxMemory | None = None,
    ) -> None:
        """Plan the calls of a prototype; `variable` are the types of a variadic function's further arguments, before
        C's default argument promotions or after.

        Raises:
            SignatureError: a type can't be passed.
        """
        memory = sandbox or _memory()
        self._sandbox = sandbox
        self.prototype = prototype
        variable = [promoted(ctype) for ctype in variable]
        self.placement = Placement.of(prototype, convention, variable)
        self._read = read or memory.read
        self._write = write or memory.write
        types = [*(parameter.type for parameter in prototype.parameters), *variable]
        self.arguments: Callable[[memoryview], tuple[Any, ...]] = self._make_arguments(types)
        """`arguments(block)` is the Python values of the arguments; `block` is the memory of a `CallFrame`."""
        self.set_result: Callable[[memoryview, Any, list[Any]], None] = self._make_set_result()
        """`set_result(block, value, alive)` puts a result into the block, or where X8 of the block points to. Objects
        whose addresses the result has are added to `alive`. Raises SignatureError."""

    def _make_arguments(self, types: Sequence[CType]) -> Callable[[memoryview], tuple[Any, ...]]:
        scope: dict[str, Any] = {"_read": self._read}
        pieces: list[Piece] = []
        values: list[str] = []
        used = 0
        for n, (ctype, parts) in enumerate(zip(types, self.placement.arguments, strict=True)):
            scope[f"_unpack{n}"] = codec(ctype).unpack
            if any(isinstance(part.place, StackSlot) for part in parts):
                used = self.placement.stack_size
            if parts and parts[0].format == "address":
                pieces.append(Piece(place_offset(parts[0]), "Q", f"_{n}"))
                values.append(f"_unpack{n}(_read(_{n}, {ctype.size}))")
            elif is_plain(ctype) and ctype.kind != "bool":
                (part,) = parts
                pieces.append(Piece(place_offset(part), code_of(ctype, ctype.size), f"_{n}"))
                if ctype.kind == "pointer":
                    scope[f"_pointer{n}"] = pointer_class(ctype, self._sandbox)
                values.append(f"_pointer{n}(_{n})" if ctype.kind == "pointer" else f"_{n}")
            else:
                names = []
                for i, (at, _, size) in enumerate(slices([(place_offset(part), part) for part in parts])):
                    pieces.append(Piece(at, f"{size}s", f"_{n}_{i}"))
                    names.append(f"_{n}_{i}")
                empty = repr(bytes(ctype.size if not names else 0))
                values.append(f"_unpack{n}({' + '.join(names) or empty})")
        if used:
            pieces.append(Piece(STACK_OFFSET, "Q", "_"))
        in_block = [piece for piece in pieces if piece.offset < BLOCK_SIZE]
        on_stack = [piece._replace(offset=piece.offset - BLOCK_SIZE) for piece in pieces if piece.offset >= BLOCK_SIZE]
        lines = ["def arguments(_block):"]
        if in_block:
            made, names = packer(in_block)
            scope["_registers"] = made.unpack_from
            lines.append(f"    {', '.join(names)}, = _registers(_block)")
        if on_stack:
            made, names = packer(on_stack)
            scope["_stack"] = made.unpack_from
            lines.append(f"    {', '.join(names)}, = _stack(_read(_, {made.size}))")
        lines.append(f"    return ({', '.join(values)}{',' if values else ''})")
        exec("\n".join(lines), scope)
        arguments: Callable[[memoryview], tuple[Any, ...]] = scope["arguments"]
        return arguments

    def _make_set_result(self) -> Callable[[memoryview, Any, list[Any]], None]:
        ctype = self.prototype.result
        parts = self.placement.result
        if ctype.kind == "void":
            return self._no_result
        pack = codec(ctype).pack
        what = f"`{self.prototype}`: the result, `{ctype}`"

        def packed(value: Any, alive: list[Any]) -> bytes:
            try:
                return pack(value, alive)
            except SignatureError as error:
                raise SignatureError(f"{what}: {error}") from None

        if parts and parts[0].format == "address":
            x8, write = X_OFFSET + 8 * 8, self._write

            def store(block: memoryview, value: Any, alive: list[Any]) -> None:
                data = packed(value, alive)
                write(int.from_bytes(block[x8 : x8 + 8], "little"), data)

            return store
        joined = slices([(place_offset(part), part) for part in parts])
        if is_plain(ctype) and ctype.kind not in ("pointer", "float"):
            return _integer_setter(ctype, joined[0][0], packed)

        def set_result(block: memoryview, value: Any, alive: list[Any]) -> None:
            data = packed(value, alive)
            for at, first, size in joined:
                block[at : at + size] = data[first : first + size]

        return set_result

    def _no_result(self, block: memoryview, value: Any, alive: list[Any]) -> None:
        if value is not None:
            raise SignatureError(
                f"`{self.prototype}` has no result, and {type(value).__name__} {value!r:.60} was given"
            )


def _integer_setter(
    ctype: CType, at: int, packed: Callable[[Any, list[Any]], bytes]
) -> Callable[[memoryview, Any, list[Any]], None]:
    """What puts an integer into the X register at an offset, extended to 64 bits."""
    low, high = integer_range(ctype)
    store = struct.Struct("<Q").pack_into

    def set_result(block: memoryview, value: Any, alive: list[Any]) -> None:
        if value.__class__ is not int or not low <= value <= high:
            value = int.from_bytes(packed(value, alive), "little", signed=low < 0)
        store(block, at, value & 0xFFFF_FFFF_FFFF_FFFF)

    return set_result
