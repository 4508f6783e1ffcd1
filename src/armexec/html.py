"""Tables of HTML for notebooks: styles in place and no scripts, so that saved notebooks show them anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["MOST", "code_table", "heading", "pre", "table"]

_CELL = "text-align:left;padding:1px 10px 1px 0;border:none;vertical-align:top"
_MONO = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:0.95em;white-space:pre"
_HEAD = "text-align:left;padding:1px 10px 3px 0;border:none;border-bottom:1px solid;font-weight:600"
MOST = 200
"""Rows of a table. What is longer ends in a line that says so."""


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object] | str], *, detail: str = "") -> str:
    """A table with a title; its cells are text in a fixed width. A row that is a text alone takes the whole width."""
    shown: list[str] = []
    more = 0
    for row in rows:
        if isinstance(row, str):
            shown.append(_wide(row, len(heads)))
        elif len(shown) < MOST:
            cells = "".join(f'<td style="{_CELL};{_MONO}">{escape(str(cell))}</td>' for cell in row)
            shown.append(f'<tr style="background:none">{cells}</tr>')
        else:
            more += 1
    if more:
        shown.append(_wide(f"... {more} more", len(heads)))
    head = "".join(f'<th style="{_HEAD}">{escape(text)}</th>' for text in heads)
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    body = f"{top}<tbody>{''.join(shown)}</tbody>"
    return (
        f"<div>{heading(title, detail)}"
        f'<table style="border-collapse:collapse;border:none;margin:0">{body}</table></div>'
    )


def heading(title: str, detail: str = "") -> str:
    """A title with what is less important behind it."""
    behind = f' <span style="opacity:0.7">{escape(detail)}</span>' if detail else ""
    return f'<div style="margin-bottom:4px"><b style="{_MONO}">{escape(title)}</b>{behind}</div>'


def _wide(text: str, columns: int) -> str:
    return f'<tr style="background:none"><td style="{_CELL};opacity:0.7" colspan="{columns}">{escape(text)}</td></tr>'


def code_table(title: str, listing: str, *, detail: str = "") -> str:
    """A listing as it is, below a title."""
    lines = listing.splitlines()
    text = "\n".join(lines[:MOST]) + (f"\n... {len(lines) - MOST} more lines" if len(lines) > MOST else "")
    return f"<div>{heading(title, detail)}{pre(text)}</div>"


def pre(text: str) -> str:
    """A text as it is."""
    return f'<pre style="{_MONO};margin:0;background:none;border:none;padding:0">{escape(text)}</pre>'
