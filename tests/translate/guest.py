"""Guest code from assembly, loaded into the translated engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.asm import assemble
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.objects import CType, Image, Parameter, Prototype
from armexec.objects.layout import Section, SectionSymbol
from armexec.translate.policy import DEFAULT, Policy

LONG = CType("int", 8, "long", signed=True, align=8)
INT = CType("int", 4, "int", signed=True, align=4)


FIB = """
    fib: cmp x0, #2
         b.lt leaf
         stp x19, x30, [sp, #-32]!
         str x20, [sp, #16]
         mov x19, x0
         sub x0, x0, #1
         bl fib
         mov x20, x0
         sub x0, x19, #2
         adr x9, fib
         blr x9
         add x0, x0, x20
         ldr x20, [sp, #16]
         ldp x19, x30, [sp], #32
    leaf: ret
    """
"""Recursive, by a direct call and by one through a register."""
TWICE = """
    twice: stp x29, x30, [sp, #-32]!
         str x0, [sp, #16]
         bl fib
         ldr x1, [sp, #16]
         str x0, [sp, #16]
         mov x0, x1
         bl fib
         ldr x1, [sp, #16]
         add x0, x0, x1
         ldp x29, x30, [sp], #32
         ret
    """
"""Calls FIB."""


def load(
    text: str, *, tier: str = "O2", limit: int | None = None, policy: Policy = DEFAULT
) -> tuple[LoadedTranslatedImage, dict[str, int]]:
    """The image of some assembly, and the offsets of its labels. Functions larger than `limit` are cut."""
    code = assemble(text)
    assert not code.relocations
    labels = {name: value - code.address for name, value in code.symbols.items()}
    symbols = [SectionSymbol(name, 0, at, 0, "function", "global") for name, at in labels.items()]
    image = Image.from_code("guest", [Section(".text", code.bytes, "rx", 4, 0)], symbols)
    if limit is not None:
        policy = policy._replace(max_function=limit)
    return TranslatedEngine(tier, policy).load(image, lambda _: None), labels


def functions(text: str, *names: str, type: CType = LONG, tier: str = "O2") -> list[Callable[..., Any]]:
    """Callables of eight arguments or fewer for the labels, each with its count of them: `name/2`."""
    loaded, labels = load(text, tier=tier)
    found = []
    for spec in names:
        name, _, count = spec.partition("/")
        parameters = tuple(Parameter("", type) for _ in range(int(count or 0)))
        found.append(loaded.bind(labels[name], Prototype(name, type, parameters)))
    return found
