"""Guest code from assembly, loaded into the translated engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.asm import assemble
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.objects import CType, Image, Parameter, Prototype
from armexec.objects.layout import Section, SectionSymbol

LONG = CType("int", 8, "long", signed=True, align=8)
INT = CType("int", 4, "int", signed=True, align=4)


def load(text: str, *, tier: str = "O2", limit: int | None = None) -> tuple[LoadedTranslatedImage, dict[str, int]]:
    """The image of some assembly, and the offsets of its labels."""
    code = assemble(text)
    assert not code.relocations
    labels = {name: value - code.address for name, value in code.symbols.items()}
    symbols = [SectionSymbol(name, 0, at, 0, "function", "global") for name, at in labels.items()]
    image = Image.from_code("guest", [Section(".text", code.bytes, "rx", 4, 0)], symbols)
    return TranslatedEngine(tier, limit).load(image, lambda _: None), labels


def functions(text: str, *names: str, type: CType = LONG, tier: str = "O2") -> list[Callable[..., Any]]:
    """Callables of eight arguments or fewer for the labels, each with its count of them: `name/2`."""
    loaded, labels = load(text, tier=tier)
    found = []
    for spec in names:
        name, _, count = spec.partition("/")
        parameters = tuple(Parameter("", type) for _ in range(int(count or 0)))
        found.append(loaded.bind(labels[name], Prototype(name, type, parameters)))
    return found
