"""The pages for people: what they show in Python is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from engines import AVAILABLE

ROOT = Path(__file__).parents[2]
PAGES = [
    "debugging.md",
    "index.md",
    "tutorial.md",
    *(f"howto/{p.name}" for p in (ROOT / "docs" / "howto").glob("*.md")),
]


@pytest.mark.skipif("translated" not in AVAILABLE, reason="nothing can be translated here")
@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page, page, 0)
    output: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(examples, out=output.append)
    assert "".join(output) == ""
