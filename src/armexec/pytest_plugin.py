"""pytest's plugin: fixtures and markers for tests of Arm code.

It imports nothing of armexec before a fixture is used: installing armexec costs other people's tests nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from armexec.testing import GuestCall

__all__: list[str] = []

_MARKER = "armexec(engines=(...), targets=(...)): run the test on these engines, and for these targets"
_TARGETS = ("linux", "apple", "bare")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("armexec", "Arm code (armexec)")
    group.addoption(
        "--armexec-engine",
        action="append",
        metavar="ENGINE",
        help="An engine for tests that take `armexec_engine`: native, translated or reference. May be repeated.",
    )
    group.addoption(
        "--armexec-update-words", action="store_true", help="Write the words that `golden_words` compares with anew."
    )
    group.addoption(
        "--armexec-coverage",
        metavar="FILE",
        help="Write the source lines that `guest` and `abi` have executed to a file in lcov's format.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    config.stash[_LINES] = {}


_LINES: pytest.StashKey[dict[tuple[str, int], int]] = pytest.StashKey()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("armexec")
    given = marker.kwargs if marker is not None else {}
    if "armexec_engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("armexec_engine")
        engines = given.get("engines") or chosen or _available()
        metafunc.parametrize("armexec_engine", [name for name in engines if not chosen or name in chosen])
    if "armexec_target" in metafunc.fixturenames:
        metafunc.parametrize("armexec_target", list(given.get("targets") or _TARGETS[:2]))


def _available() -> list[str]:
    """The engines that run here."""
    from armexec.engines import ENGINES, get_engine
    from armexec.errors import HostError

    found = []
    for name in ENGINES:
        try:
            get_engine(name)
        except HostError:
            continue
        found.append(name)
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("armexec_coverage", None)
    lines = session.config.stash.get(_LINES, {})
    if path and lines:
        from armexec.testing.coverage import write_lcov

        write_lcov(Path(path), lines)


@pytest.fixture
def guest(request: pytest.FixtureRequest) -> Callable[..., GuestCall]:
    """Call a function of the guest: `guest(f, *args).result`, `.instructions`, `.writes`.

    Arrays end at a page that can't be accessed (`guard="begin"`: they begin at one; None: they are passed as they are).
    """
    from armexec.testing import call

    def called(function: Any, *arguments: Any, **named: Any) -> GuestCall:
        __tracebackhide__ = True
        made = call(function, *arguments, **named)
        _count(request.config, made)
        return made

    return called


@pytest.fixture
def abi(request: pytest.FixtureRequest) -> Callable[..., GuestCall]:
    """Call a function as `guest` does, and fail the test where it breaks the procedure call standard."""
    from armexec.testing import ConventionViolation, check_convention

    def called(function: Any, *arguments: Any, **named: Any) -> GuestCall:
        __tracebackhide__ = True
        try:
            made = check_convention(function, *arguments, **named)
        except ConventionViolation as error:
            pytest.fail(str(error), pytrace=False)
        _count(request.config, made)
        return made

    return called


def _count(config: pytest.Config, made: GuestCall) -> None:
    lines = config.stash[_LINES]
    for line, count in made.lines.items():
        lines[line] = lines.get(line, 0) + count


@pytest.fixture
def golden_words(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compare code with the words in a file beside the test: `golden_words(f)`. `--armexec-update-words` writes it.

    What is compared has words (a Function, a Code) or is a list of them; `name` tells several in one test apart.
    """
    from armexec.testing.golden import check_words

    path = Path(str(request.node.path)).parent / "words"
    update = bool(request.config.getoption("armexec_update_words"))
    test = request.node.name

    def check(code: Any, name: str = "") -> None:
        __tracebackhide__ = True
        message = check_words(path / _file_name(test, name), code, update=update)
        if message:
            pytest.fail(message, pytrace=False)

    return check


def _file_name(test: str, name: str) -> str:
    text = f"{test}.{name}" if name else test
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text.replace(os.sep, "_")) + ".words"
