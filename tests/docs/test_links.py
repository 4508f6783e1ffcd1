"""Links and paths in the documents lead somewhere, and the map and the indexes are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = ROOT / "src" / "armexec"
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "results" / "README.md",
    *sorted(DOCS.glob("*.md")),
    *sorted((DOCS / "decisions").glob("*.md")),
]
_CODE = re.compile(r"^( {0,3})```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# `isa/effects.py`, `translate/observed`, `code.json`: a path has a slash, or ends as a file does.
_PATH = re.compile(r"`([\w.-]+(?:/[\w.*-]+)+/?|[\w-]+\.(?:py|ll|json|tsv))`")


def _prose(page: Path) -> str:
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """The anchors of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_there(path: str) -> bool:
    if "/" in path:
        return any(any(root.glob(path.rstrip("/"))) for root in (ROOT, SOURCES, SOURCES / "translate"))
    return any(any((ROOT / folder).rglob(path)) for folder in ("src", "tests", "benchmarks"))


def test_pages_are_found() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "architecture.md", "glossary.md", "one-instruction.md", "0001-one-description.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_prose(page)):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_paths_are_there(page: Path) -> None:
    missing = [path for path in _PATH.findall(_prose(page)) if not _is_there(path)]
    assert missing == []


def test_every_decision_is_in_the_index() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in (DOCS / "decisions").glob("0*.md"):
        title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"]({page.name}): {title}\n" in index


def test_the_map_can_be_read_in_ten_minutes() -> None:
    assert len((DOCS / "architecture.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_room_is_on_the_map() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    house = text[text.index("## The house") : text.index("## Who may import whom")]
    for folder in (SOURCES, SOURCES / "translate", SOURCES / "machines"):
        rooms = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}
        assert rooms <= set(re.findall(r"(\w+)/", house)), folder
    for path in SOURCES.glob("[a-z]*.py"):
        assert path.name in house, path.name
