"""Linkage names <-> names as written in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import count

from armexec.objects.names.local_names import demangled_local, with_closures

__all__ = ["bare_name", "learn", "linkage_name", "normalize", "source_name"]

_STRUCTOR = re.compile(r"\b(\w+)((?:<.*>)?)::\{(?:\w+ )?(ctor|dtor)\}")
_LITERAL = re.compile(r"\((?:unsigned |signed )?(?:char|short|int|long|long long)\)(-?\d)")
_QUALIFIED = re.compile(r"_ZL?(?:N[VKrRO]*)?(St)?(?=\d)")
_MAX_LEARNED = 100_000
_TRIES = 200
"""Maximum parts of a name of something local that are tried, since where they end isn't known."""
_LEADING_CONST = re.compile(r"(?<![\w:*&])const ((?:unsigned |signed )?(?:long long|[\w:]+))(?=[\s*&,)]|$)")


def linkage_name(name: str, format: str) -> str:
    """A symbol's name without the underscore that Mach-O puts before it."""
    return name.removeprefix("_") if format == "macho" else name


_LEARNED: dict[str, str] = {}


def learn(names: Mapping[str, str]) -> None:
    """Remember the source names of these linkage names, so that they need no demangling."""
    if len(_LEARNED) + len(names) > _MAX_LEARNED:
        _LEARNED.clear()
    _LEARNED.update(names)


@lru_cache(maxsize=4096)
def source_name(linkage: str) -> str:
    """The name as written in the source: `fn(int)` for `_Z2fni`; any other name as it is.

    `linkage` is without Mach-O's leading underscore. A name that the demangler can't read is given without its
    parameters if possible, else as it is.
    """
    if not linkage.startswith("_Z"):
        return linkage
    if linkage in _LEARNED:
        return _LEARNED[linkage]
    mangled, dot, clone = linkage.partition(".")
    if len(mangled) > 2000:  # demangled names may grow exponentially
        return linkage
    text = _demangled(mangled, count(_TRIES, -1))
    if text is None:
        return _qualified_name(mangled) or linkage
    if len(text) > 10_000:
        return linkage
    return f"{text} [clone .{clone}]" if dot else text


def _demangled(mangled: str, left: Iterator[int]) -> str | None:
    """The source name of a mangled one; None where it can't be read. `left`: how many more names may be tried."""
    if next(left) < 0:
        return None
    part = partial(_demangled, left=left)
    if mangled.startswith("_ZZ"):
        return demangled_local(mangled, part)
    if "Ul" in mangled:
        mangled = with_closures(mangled, part)
    try:
        import itanium_demangler

        node = itanium_demangler.parse(mangled)
        if node is None:
            return None
        qualifiers = ""
        if node.kind == "func":
            node = node._replace(ret_ty=None)  # only templates have it, and a caller doesn't write it
            if node.name.kind == "cv_qual":
                qualifiers = "".join(f" {q}" for q in sorted(node.name.qual))
                node = node._replace(name=node.name.value)
        text = str(node) + qualifiers
    except Exception:  # the demangler raises whatever Python does on names it doesn't know
        return None
    text = _STRUCTOR.sub(lambda m: f"{m[1]}{m[2]}::{'~' if m[3] == 'dtor' else ''}{m[1]}", text)
    return _LITERAL.sub(r"\1", text).replace("_GLOBAL__N_1", "(anonymous namespace)")


def _qualified_name(mangled: str) -> str:
    """`n::fn` for `_ZN1n2fnE...`, whatever follows; empty for names of another form."""
    start = _QUALIFIED.match(mangled)
    parts = ["std"] if start is not None and start[1] else []
    at = start.end() if start else len(mangled)
    while at < len(mangled) and mangled[at].isdigit():
        length = re.match(r"\d+", mangled[at:])
        assert length is not None
        at += length.end()
        parts.append(mangled[at : at + int(length[0])])
        at += int(length[0])
        if start is None or "N" not in start[0]:
            break
    return "::".join(parts)


def bare_name(source: str) -> str:
    """The source name without its parameters: `n::fn` for `n::fn(int) const`."""
    end = source.rfind(")")
    if end < 0 or source.endswith("operator()") or re.search("::|[{}]", source[end:]):
        # It has no parameters: these are those of the function around it.
        return source
    depth = 0
    for i in range(end, -1, -1):
        depth += (source[i] == ")") - (source[i] == "(")
        if depth == 0:
            return source[:i] if i else source
    return source


def normalize(source: str) -> str:
    """The spelling of a source name without spaces and `(void)`, and with `const` after the type."""
    text = re.sub(r"\s+", " ", source.strip())
    text = _LEADING_CONST.sub(r"\1 const", text)
    text = re.sub(r"\(void\)", "()", text)
    return re.sub(r"\s*([^\w\s])\s*", r"\1", text)
