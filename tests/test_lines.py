"""Texts of several lines: strings, which notebooks display as lines."""

from __future__ import annotations

import pickle

from armexec import Builder, assemble, compile, function
from armexec.disasm import listing


class Printer:
    """What IPython hands to _repr_pretty_."""

    def __init__(self) -> None:
        self.shown = ""

    def text(self, text: str) -> None:
        assert "\n" not in text
        self.shown += text

    def break_(self) -> None:
        self.shown += "\n"


def _texts() -> dict[str, str]:
    module = compile("int fn(int num) { return num; }")
    from_words = function("0xD10043FF 0xD65F03C0", "long()")
    built = Builder()
    built.ret()
    return {
        "Module.assembly": module.assembly,
        "Module.disassembly": module.disassembly,
        "Function.assembly": module.fn.assembly,
        "Function.assembly of words": from_words.assembly,
        "Function.disassembly": module.fn.disassembly,
        "Code.disassembly": assemble("f: nop\nret").disassembly,
        "Builder": built.assemble().disassembly,
        "listing": listing([0xD65F03C0, 0xD503201F]),
    }


def test_texts_are_shown_as_lines() -> None:
    for name, text in _texts().items():
        printer = Printer()
        text._repr_pretty_(printer, False)  # type: ignore[attr-defined]
        assert printer.shown == text.rstrip("\n"), name
        assert text.splitlines()[0] in printer.shown


def test_texts_are_strings() -> None:
    text = listing([0xD65F03C0, 0xD503201F])
    assert text == str(text) == pickle.loads(pickle.dumps(text))
    assert isinstance(text, str)
    assert repr(text) == repr(str(text))
    assert (hash(text), text.upper()) == (hash(str(text)), str(text).upper())
