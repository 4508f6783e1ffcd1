"""Apple's syntax of vectors, as clang prints it for macOS: `fmla.4s v0, v1, v2[1]` for `fmla v0.4s, v1.4s, v2.s[1]`.

The suffix is the arrangement of the first vector; those of the others follow from the instruction.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from armexec.isa import Form, forms_of
from armexec.isa.operands.simd import Arrangement, Element, RegisterList, VectorRegister
from armexec.isa.syntax import Register, Token

__all__ = ["split_suffix", "unsuffixed"]


def split_suffix(mnemonic: str) -> tuple[str, str]:
    """A mnemonic and its suffix, which is empty if there is none."""
    base, _, suffix = mnemonic.rpartition(".")
    is_suffix = suffix[-1:] in ("b", "h", "s", "d", "q") and (not suffix[:-1] or suffix[:-1].isdecimal())
    return (base, suffix) if base and is_suffix else (mnemonic, "")


def unsuffixed(mnemonic: str, suffix: str, tokens: list[Token]) -> Iterator[tuple[Form, list[Token]]]:
    """The forms that may fit the tokens, with the arrangements filled in.

    A form may come several times, with different arrangements; at most one of these has an encoding.
    """
    for form in forms_of(mnemonic):
        vectors = [o for o in form.operands if isinstance(o, Element | RegisterList | VectorRegister)]
        if not vectors or suffix not in vectors[0].arrangement.names:
            continue
        others: dict[int, Arrangement] = {id(v.arrangement): v.arrangement for v in vectors}
        del others[id(vectors[0].arrangement)]
        for names in product(*(arrangement.names for arrangement in others.values())):
            lanes = {id(vectors[0].arrangement): suffix, **dict(zip(others, names, strict=True))}
            filled = _filled(tokens, [lanes[id(vector.arrangement)] for vector in vectors])
            if filled is not None:
                yield form, filled


def _filled(tokens: list[Token], lanes: list[str]) -> list[Token] | None:
    """The tokens with an arrangement for each vector or list of vectors; None if the numbers differ."""
    result = []
    rest = iter(lanes)
    current = ""
    in_list = False
    for token in tokens:
        if token.value == "{":
            in_list, current = True, ""
        elif token.value == "}":
            in_list = False
        elif token.kind == "register" and token.value.kind == "v":
            if not (in_list and current):
                current = next(rest, "")
            if token.value.lanes or not current:
                return None
            result.append(token._replace(value=Register("v", token.value.number, current)))
            continue
        result.append(token)
    return result if next(rest, None) is None else None
