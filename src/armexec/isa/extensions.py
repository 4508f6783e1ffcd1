"""Extensions of the architecture that aren't described here: which of them an instruction needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from .coverage import Encoding, encodings, known_encoding
from .data import rows
from .decode import decode, forms_of

__all__ = ["needed_by_text", "needed_by_word"]


def needed_by_word(word: int) -> tuple[str, str] | None:
    """The mnemonic and the extension of a word that isn't described, None of one that is UNDEFINED everywhere."""
    name = known_encoding(word)
    if name is None:
        # An alias of a described instruction may be UNDEFINED without its extension (SMSTART).
        name = next((e.name for e in _aliases() if e.matches(word) and decode(word) is None), None)
    return None if name is None else (_mnemonic(name), _extension(_by_name()[name]))


def needed_by_text(mnemonic: str, operands: Iterable[str]) -> str | None:
    """The extension that an instruction needs, given its mnemonic and the texts of its operands' tokens, all in lower
    case; None where none is known to have it.
    """
    texts = list(operands)
    mnemonic = mnemonic.partition(".")[0]
    if any(_STREAMING.match(text) for text in texts):
        return "SME"
    if any(_SCALABLE.match(text) for text in texts):
        return _first(mnemonic, ("SVE", "SME")) or "SVE"
    found = _later().get(mnemonic)
    if found is None:
        general = bool(texts) and _GENERAL.match(texts[0]) is not None
        if not forms_of(mnemonic) or (general and not any(_is_base(form.name) for form in forms_of(mnemonic))):
            found = _first(mnemonic, ("Base", "SIMD-FP")) or _first(mnemonic, ("SVE", "SME"), aliases=False)
    return found


_SCALABLE = re.compile(r"(?:z|pn?)(?:[12]?\d|3[01])(?:[./]|$)")
_STREAMING = re.compile(r"za\d*[hv]?(?:\.|\[|$)|zt0(?:\[|$)")
_GENERAL = re.compile(r"[xw](?:[12]?\d|30|zr)$")


@cache
def _by_name() -> dict[str, Encoding]:
    return {encoding.name: encoding for encoding in encodings()}


@cache
def _aliases() -> tuple[Encoding, ...]:
    """The aliases that need an extension."""
    return tuple(encoding for encoding in encodings() if encoding.alias_of and encoding.feature)


def _is_base(name: str) -> bool:
    encoding = _by_name().get(name)
    return encoding is None or encoding.group == "Base"


def _mnemonic(name: str) -> str:
    """The mnemonic in Arm's name of an encoding: `ld1w_z_p_bi_u32`, `ABS_32_dp_1src`."""
    return name.partition("_")[0].lower()


@cache
def _by_mnemonic() -> dict[str, list[Encoding]]:
    """The encodings that aren't described, aliases among them."""
    table: dict[str, list[Encoding]] = {}
    for encoding in encodings():
        described = encoding.name in {form.name for form in forms_of(_mnemonic(encoding.name))}
        if not described:
            table.setdefault(_mnemonic(encoding.name), []).append(encoding)
    return table


@cache
def _later() -> dict[str, str]:
    return {mnemonic: extension for mnemonic, extension in rows("later_mnemonics.tsv")}  # noqa: C416


def _first(mnemonic: str, groups: tuple[str, ...], *, aliases: bool = True) -> str | None:
    """The extension of an undescribed encoding with this mnemonic in one of these groups."""
    for group in groups:
        found = [e for e in _by_mnemonic().get(mnemonic, ()) if e.group == group and (aliases or not e.alias_of)]
        if found:
            # The oldest counts: later ones extend it.
            return _extension(min(found, key=lambda encoding: len(encoding.feature)))
    return None


def _extension(encoding: Encoding) -> str:
    """The name that people know: "SVE", "MTE", "MOPS", "SME2.1"."""
    group, feature = encoding.group, encoding.feature.replace("FEAT_", "").replace(" && ", " and ")
    if group in ("SVE", "SME") and not feature.startswith((group, "SVE", "SME")):
        return group
    feature = {"MTE2": "MTE"}.get(feature, feature)
    return re.sub(r"(\d)p(\d)$", r"\1.\2", feature) or group
