"""Tables of HTML for notebooks: styles in place and no scripts, so that saved notebooks show them anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["code_table", "table"]

_CELL = "text-align:left;padding:1px 10px 1px 0;border:none;vertical-align:top"
_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:0.95em;white-space:pre"
_HEAD = "text-align:left;padding:1px 10px 3px 0;border:none;border-bottom:1px solid;font-weight:600"
MOST = 200
"""Rows of a table. What is longer ends in a line that says so."""


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, detail: str = "") -> str:
    """A table with a title; its cells are text in a fixed width."""
    shown: list[str] = []
    more = 0
    for row in rows:
        if len(shown) < MOST:
            cells = "".join(f'<td style="{_CELL};{_MONO}">{escape(str(cell))}</td>' for cell in row)
            shown.append(f'<tr style="background:none">{cells}</tr>')
        else:
            more += 1
    if more:
        shown.append(
            f'<tr style="background:none"><td style="{_CELL}" colspan="{len(heads)}">... {more} more</td></tr>'
        )
    head = "".join(f'<th style="{_HEAD}">{escape(text)}</th>' for text in heads)
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    below = f' <span style="opacity:0.7">{escape(detail)}</span>' if detail else ""
    body = f"{top}<tbody>{''.join(shown)}</tbody>"
    return (
        f'<div><div style="margin-bottom:4px"><b style="{_MONO}">{escape(title)}</b>{below}</div>'
        f'<table style="border-collapse:collapse;border:none;margin:0">{body}</table></div>'
    )


def code_table(title: str, listing: str, *, detail: str = "") -> str:
    """A listing as it is, below a title."""
    lines = listing.splitlines()
    text = "\n".join(lines[:MOST]) + (f"\n... {len(lines) - MOST} more lines" if len(lines) > MOST else "")
    below = f' <span style="opacity:0.7">{escape(detail)}</span>' if detail else ""
    return (
        f'<div><div style="margin-bottom:4px"><b style="{_MONO}">{escape(title)}</b>{below}</div>'
        f'<pre style="{_MONO};margin:0;background:none;border:none;padding:0">{escape(text)}</pre></div>'
    )
