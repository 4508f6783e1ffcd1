"""What the modules of these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import helpers
from .floats import quad


@pytest.fixture(autouse=True, scope="module")
def _modules_end() -> Iterator[None]:
    """Modules don't outlive the tests of a file: while one is there that sees FPSR, other code is strict too."""
    yield
    helpers.module.cache_clear()
    quad.module.cache_clear()
