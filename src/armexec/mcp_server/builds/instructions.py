"""What words and mnemonics mean, and how much of the instruction set there is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from armexec.errors import LoadError
from armexec.explorer.builds.explain import explain
from armexec.isa.coverage import coverage
from armexec.isa.manual.lookup import instructions_named, pages, why_unknown
from armexec.isa.manual.page import summary
from armexec.mcp_server.capped import put_text
from armexec.words import parse_words

__all__ = ["explained", "isa_coverage", "looked_up"]


def explained(request: dict[str, Any]) -> dict[str, Any]:
    """What a word is.

    Raises:
        AssemblyError: it is no word.
        LoadError: it is several.
    """
    words = parse_words(request["text"][:1000])
    if len(words) != 1:
        raise LoadError(f"one word is explained, not {len(words)}: disassemble takes several")
    found = explain(words[0])
    fields = [
        {"name": name, "high": low + width - 1, "low": low, "value": f"{value:0{width}b}", "fixed": fixed}
        for name, low, width, value, fixed in found["fields"]
    ]
    operands = [{"text": text, "fields": names} for text, names in found["operands"]]
    known = ("name", "syntax", "encoding", "feature", "summary", "details")
    return {
        "word": f"0x{words[0]:08X}",
        "text": found["text"],
        "alias": bool(found.get("alias")),
        **{name: found.get(name) or "" for name in known},
        "fields": fields,
        "operands": operands,
        **{name: found.get(name, []) for name in ("reads", "writes", "groups")},
    }


def looked_up(request: dict[str, Any]) -> dict[str, Any]:
    """The reference pages of a mnemonic or a name. Raises LoadError for one that there isn't."""
    name = request["text"].strip()
    found, _ = instructions_named(name)
    text = pages(name)
    if not text:
        raise LoadError(why_unknown(name))
    answer: dict[str, Any] = {
        "tooltip": summary(found[0])[0] if found else "",
        "instructions": [{"name": one.name, "summary": summary(one)[0]} for one in found],
    }
    put_text(answer, "text", text, request["maxTextLines"])
    return answer


def isa_coverage(request: dict[str, Any]) -> dict[str, Any]:
    """How many of the encodings of A64 are described, by group, and why others aren't."""
    rows = coverage()
    total = Counter(row.group for row in rows)
    done = Counter(row.group for row in rows if row.status == "implemented")
    reasons = Counter(row.reason for row in rows if row.reason)
    return {
        "described": done.total(),
        "encodings": len(rows),
        "groups": [{"name": name, "described": done[name], "encodings": count} for name, count in total.most_common()],
        "missing": [{"reason": reason, "encodings": count} for reason, count in reasons.most_common()],
    }
