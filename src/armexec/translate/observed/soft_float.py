"""Floating-point functions as host code: each is compiled once, kept on disk, and shared by all blocks that call it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.support_code import shared_code

__all__ = ["declared", "soft_symbols"]

_PREFIXES = ("soft_", "host_")
_DEFINITION = re.compile(r"define internal (\{[^}]*\}|i\d+) @(\w+)\(([^)]*)\)[^\n]*\{\n")
_codes: dict[str, HostCode] = {}


def declared(helpers: Mapping[str, str]) -> list[str]:
    """The texts that a module needs for its helpers: floating-point functions are only declared."""
    return [_declaration(text) if name.startswith(_PREFIXES) else text for name, text in helpers.items()]


def _declaration(text: str) -> str:
    found = _DEFINITION.match(text)
    assert found is not None
    result, name, parameters = found.groups()
    types = ", ".join(parameter.split()[0] for parameter in parameters.split(","))
    return f"declare {result} @{name}({types}) nounwind"


def soft_symbols(helpers: Mapping[str, str]) -> dict[str, int]:
    """The addresses of the floating-point functions among helpers. Raises HostError."""
    tables = [
        text for name, text in helpers.items() if not text.startswith("define") and not name.startswith(_PREFIXES)
    ]
    found = {}
    for name, text in helpers.items():
        if name.startswith(_PREFIXES):
            code = _codes.get(name)
            if code is None:
                own = [table for table in tables if f"@{table[1:].split(' ', 1)[0]}" in text]
                public = text.replace("define internal", "define", 1)
                code = _codes[name] = shared_code("\n".join([*own, public]), {}, (name,), "O1")
            found[name] = code.address(name)
    return found
