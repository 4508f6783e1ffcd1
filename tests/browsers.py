"""A browser for tests of pages: Debian's chromium, by playwright. Modules that import this are skipped without them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["chromium", "needs_chromium"]

_playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(_CHROMIUM is None, reason="chromium isn't installed")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with _playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield browser
        browser.close()
