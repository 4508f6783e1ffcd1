"""Arrangements: the names of vectors' shapes (`4s`), and the tables of the fields that choose them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from ...syntax import OperandError
from ..basic import Context, Fields, Operand, Places

__all__ = [
    "B_Q",
    "ELEMENT_SIZE",
    "ELEMENT_SZ",
    "H_Q",
    "IMMH_Q",
    "IMMH_SCALAR",
    "IMMH_SCALAR_WIDE",
    "IMMH_WIDE",
    "SIZE_PAIRS_Q",
    "SIZE_Q",
    "SIZE_SCALAR",
    "SIZE_SCALAR_WIDE",
    "SIZE_WIDE",
    "SZ_Q",
    "SZ_SCALAR",
    "S_Q",
    "Arrangement",
    "FixedArrangement",
    "reserved",
]


class Arrangement(Operand):
    """The names (8b, 16b, 4h ...; b, h, s, d of scalars and elements) that the values of some fields mean.

    `fields` are written `size:Q`, the keys of `table` their bits in the same order, `01:1`, with x for either bit. It
    stands in a template as a part of a register.
    """

    def __init__(self, fields: str, table: Mapping[str, str]) -> None:
        self.fields = tuple(fields.split(":"))
        self.table = table
        self._names: dict[tuple[int, ...], str] = {}
        self._encoded: dict[str, dict[str, int]] = {}
        for key, name in table.items():
            parts = key.split(":")
            for values in product(*(list(_matching(bits)) for bits in parts)):
                self._names[values] = name
            if name in self._encoded:
                raise ValueError(f"{name} stands twice in {table}")
            self._encoded[name] = {
                field if "x" not in bits else f"{field}/{_mask(bits)}": int(bits.replace("x", "0"), 2)
                for field, bits in zip(self.fields, parts, strict=True)
            }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._encoded)

    def without(self, *names: str) -> Arrangement:
        """The same table with some names reserved."""
        return Arrangement(":".join(self.fields), {k: v for k, v in self.table.items() if v not in names})

    def encode(self, value: str) -> dict[str, int]:
        try:
            return self._encoded[value]
        except KeyError:
            raise OperandError(f"arrangement {value} can't stand here: {', '.join(self.names)}") from None

    def decode(self, fields: Fields) -> str:
        return self._names[tuple([fields[name] for name in self.fields])]

    def text(self, value: str, context: Context) -> str:
        return value

    def printer(self, places: Places) -> Callable[[int, Context], str]:
        fields = [places[name] for name in self.fields]
        names = self._names
        if len(fields) == 1:
            low, mask = fields[0]
            by_value = {value: name for (value,), name in names.items()}
            return lambda word, context: by_value[word >> low & mask]
        if len(fields) == 2:
            (low, mask), (low2, mask2) = fields
            return lambda word, context: names[word >> low & mask, word >> low2 & mask2]
        return lambda word, context: names[tuple([word >> low & mask for low, mask in fields])]

    def reserved(self, fields: Fields) -> bool:
        """Whether these values mean nothing: the word is UNDEFINED."""
        return tuple([fields[name] for name in self.fields]) not in self._names


class FixedArrangement(Arrangement):
    """An arrangement that no field decides."""

    def __init__(self, name: str) -> None:
        self.fields = ()
        self.table = {}
        self._names = {(): name}
        self._encoded = {name: {}}


def _matching(bits: str) -> Iterator[int]:
    """The numbers that bits with x stand for."""
    for digits in product(*("01" if bit == "x" else bit for bit in bits)):
        yield int("".join(digits), 2)


def _mask(bits: str) -> str:
    return bits.replace("0", "1").replace("x", "0")


def reserved(*arrangements: Arrangement) -> Callable[[Fields], bool]:
    """Whether one of several arrangements is reserved, for `undefined`."""
    return lambda fields: any(arrangement.reserved(fields) for arrangement in arrangements)


SIZE_Q = Arrangement(
    "size:Q",
    {"00:0": "8b", "00:1": "16b", "01:0": "4h", "01:1": "8h", "10:0": "2s", "10:1": "4s", "11:1": "2d"},
)
SIZE_WIDE = Arrangement("size", {"00": "8h", "01": "4s", "10": "2d"})
"""<Ta>: whole registers of elements twice as wide as `size` says."""
SIZE_PAIRS_Q = Arrangement(
    "size:Q", {"00:0": "4h", "00:1": "8h", "01:0": "2s", "01:1": "4s", "10:0": "1d", "10:1": "2d"}
)
"""<Ta> of the pairwise long instructions (SADDLP): half as many elements, twice as wide."""
SZ_Q = Arrangement("sz:Q", {"0:0": "2s", "0:1": "4s", "1:1": "2d"})
B_Q = Arrangement("Q", {"0": "8b", "1": "16b"})
H_Q = Arrangement("Q", {"0": "4h", "1": "8h"})
S_Q = Arrangement("Q", {"0": "2s", "1": "4s"})
IMMH_Q = Arrangement(
    "immh:Q",
    {
        "0001:0": "8b",
        "0001:1": "16b",
        "001x:0": "4h",
        "001x:1": "8h",
        "01xx:0": "2s",
        "01xx:1": "4s",
        "1xxx:1": "2d",
    },
)
IMMH_WIDE = Arrangement("immh", {"0001": "8h", "001x": "4s", "01xx": "2d"})
SIZE_SCALAR = Arrangement("size", {"00": "b", "01": "h", "10": "s", "11": "d"})
SIZE_SCALAR_WIDE = Arrangement("size", {"00": "h", "01": "s", "10": "d"})
SZ_SCALAR = Arrangement("sz", {"0": "s", "1": "d"})
IMMH_SCALAR = Arrangement("immh", {"0001": "b", "001x": "h", "01xx": "s", "1xxx": "d"})
IMMH_SCALAR_WIDE = Arrangement("immh", {"0001": "h", "001x": "s", "01xx": "d"})
ELEMENT_SIZE = Arrangement("size", {"01": "h", "10": "s"})
"""<Ts> of the integer instructions by element."""
ELEMENT_SZ = Arrangement("sz", {"0": "s", "1": "d"})
"""<Ts> of the floating-point instructions by element."""
