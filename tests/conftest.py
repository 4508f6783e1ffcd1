"""What all tests share: the long runs are left out unless they are asked for."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from armexec.store import cache_directory

_OWN = "ARMEXEC_TESTS_CACHE"
# How long something takes depends on the machine, and says nothing of what is tested. Under qemu all is slow.
settings.register_profile("armexec", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("armexec-long", settings.get_profile("armexec"), derandomize=False)
settings.load_profile("armexec")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How far the long differential runs go."""
    group = parser.getgroup("differential")
    group.addoption("--cases", type=int, default=200, help="cases an encoding in the long run (200)")
    group.addoption("--seed", type=int, default=1, help="which cases (1)")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how cases are drawn, and what is kept between sessions.

    The long run draws other cases each time; the default run always draws the same ones. Code is translated anew in
    each session, but isn't compiled anew: what the compiler makes isn't what most tests are for.
    """
    if "long" in config.option.markexpr:
        settings.load_profile("armexec-long")
    user = cache_directory()
    if user is None or _OWN in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="armexec-tests-"))
    for store in ("objects", "compilers", "libraries"):
        (user / store).mkdir(parents=True, exist_ok=True)
        (folder / store).symlink_to(user / store)
    os.environ["ARMEXEC_CACHE_DIR"] = os.environ[_OWN] = str(folder)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect `long` and `slow` tests unless -m names them or a test is named by its id."""
    if "long" in config.option.markexpr or any("::" in argument for argument in config.args):
        return
    left_out = ["long"] if "slow" in config.option.markexpr else ["long", "slow"]
    later = [item for item in items if any(map(item.get_closest_marker, left_out))]
    if later:
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if not any(map(item.get_closest_marker, left_out))]


@pytest.fixture(autouse=True, scope="module")
def young_heap() -> None:
    """What other tests hold isn't looked through again: many tests collect garbage, in a process that holds much."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def others_pages() -> None:
    """Pages that other tests' libraries left writable and executable aren't held against this one."""
    from rules import accept_present

    accept_present()
