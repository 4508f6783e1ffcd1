"""What all tests share: the long runs are left out unless they are asked for."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """How far the long differential runs go."""
    group = parser.getgroup("differential")
    group.addoption("--cases", type=int, default=200, help="cases an encoding in the long run (200)")
    group.addoption("--seed", type=int, default=1, help="which cases (1)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect `long` tests unless -m names them or a test is named by its id."""
    if "long" in config.option.markexpr or any("::" in argument for argument in config.args):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture
def others_pages() -> None:
    """Pages that other tests' libraries left writable and executable aren't held against this one."""
    from rules import accept_present

    accept_present()
