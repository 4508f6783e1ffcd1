"""The arguments and the results of a function that is called for each element of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat, zip_longest
from operator import length_hint
from typing import Any

from armexec.abi.values.structs import StructValue, struct_class
from armexec.arrays.operands import operand
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["Results", "columns"]


def columns(
    arguments: Sequence[Any], prototype: Prototype, name: str
) -> tuple[int, list[Callable[[int, int], Iterable[Any]]]]:
    """How many elements there are, and for each argument a function that gives those of a range.

    Raises:
        SignatureError: the lengths differ, or there is none.
    """
    types = [parameter.type for parameter in prototype.parameters]
    found = []
    for number, (argument, ctype) in enumerate(zip_longest(arguments, types[: len(arguments)]), 1):
        is_single = _is_single(argument) or (isinstance(argument, tuple) and _is_struct(argument, ctype))
        found.append(_column(argument, is_single, f"{name}: argument {number}"))
    lengths = [(length, number) for number, (length, _) in enumerate(found, 1) if length is not None]
    if not lengths:
        raise SignatureError(f"{name}: map calls it for each element of a list or array, and there is none")
    first, at = lengths[0]
    for length, number in lengths:
        if length != first:
            raise SignatureError(
                f"{name}: argument {number} has {length} element{'' if length == 1 else 's'}, and argument {at} has"
                f" {first}"
            )
    return first, [take for _, take in found]


def _column(argument: Any, is_single: bool, what: str) -> tuple[int | None, Callable[[int, int], Iterable[Any]]]:
    """The length, None for what is the same in all calls, and a function that gives the elements of a range."""
    if isinstance(argument, repeat):
        length = length_hint(argument, -1)
        value = next(argument, None)
        return None if length < 0 else length, lambda start, end: repeat(value, end - start)
    if is_single:
        return None, lambda start, end: repeat(argument, end - start)
    if getattr(argument, "ndim", None) == 1 and getattr(argument, "dtype", None) is not None:
        if hasattr(argument, "tolist") and argument.dtype.names is None:
            # Python's own numbers are passed in a tenth of the time.
            return len(argument), lambda start, end: argument[start:end].tolist()
        return len(argument), lambda start, end: argument[start:end]
    try:
        length = len(argument)
    except TypeError:
        kind = type(argument).__name__
        raise SignatureError(f"{what} is a {kind}, which has no length: give a list of it") from None
    try:
        return length, _slices(argument if isinstance(argument, list | tuple | range) else list(argument))
    except TypeError:
        raise SignatureError(f"{what} is a {type(argument).__name__}, which can't be iterated") from None


def _slices(sequence: Sequence[Any]) -> Callable[[int, int], Iterable[Any]]:
    return lambda start, end: sequence[start:end]


def _is_single(argument: Any) -> bool:
    """Whether it is one value, the same in all calls: a number, text, a struct, None, an array without dimensions."""
    if argument is None or isinstance(argument, str | bytes | bytearray | dict | StructValue) or callable(argument):
        return True
    if getattr(argument, "shape", None) == ():
        return True
    return not hasattr(argument, "__len__") and not hasattr(argument, "__iter__")


def _is_struct(argument: tuple[Any, ...], ctype: CType | None) -> bool:
    """Whether a tuple is the members of a struct, and no sequence of structs."""
    if ctype is not None and ctype.kind == "pointer":
        ctype = ctype.target
    if ctype is None or ctype.kind not in ("struct", "union"):
        return False
    return not all(isinstance(element, tuple | dict | StructValue) for element in argument)


class Results:
    """The results in their order: an array where NumPy has the type, None for void, else a list."""

    def __init__(self, prototype: Prototype, as_text: bool, length: int) -> None:
        result = prototype.result
        self._is_void = result.kind == "void"
        self._is_struct = result.kind in ("struct", "union") and not as_text
        self._list: list[Any] = []
        self._array: Any = None
        if not as_text and not self._is_void:
            known = operand(result)
            dtype = struct_class(result).dtype if self._is_struct else None if known is None else known.dtype
            if dtype is not None:
                import numpy as np

                self._array = np.empty(length, dtype)
        if self._array is None and not self._is_void:
            self._list = [None] * length

    def put(self, start: int, values: list[Any]) -> None:
        """Keep the results of a range."""
        end = start + len(values)
        if self._is_void or not values:
            return
        if self._is_struct:
            import numpy as np

            # Byte by byte: bit-fields are no fields of NumPy's.
            whole = np.dtype(f"V{self._array.itemsize}")
            self._array.view(whole)[start:end] = np.frombuffer(b"".join(map(bytes, values)), whole)
        elif self._array is not None:
            self._array[start:end] = values
        else:
            self._list[start:end] = values

    @property
    def value(self) -> Any:
        """All of them."""
        if self._is_void:
            return None
        return self._array if self._array is not None else self._list
