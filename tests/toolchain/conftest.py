"""Every test starts with an empty cache and the default compiler."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory of the test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(folder))
    monkeypatch.delenv("ARMEXEC_CC", raising=False)
    return folder
