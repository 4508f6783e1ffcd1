"""The engines that can run here, for tests that go through all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from armexec.engines import ENGINES, get_engine
from armexec.errors import HostError


def available() -> Iterator[str]:
    for name in ENGINES:
        try:
            get_engine(name)
        except HostError:
            continue
        yield name


AVAILABLE = tuple(available())


def _can_start_itself() -> bool:
    try:
        subprocess.run([sys.executable, "-c", ""], check=True)
    except OSError:
        return False
    return True


CAN_START_ITSELF = _can_start_itself()
needs_processes = pytest.mark.skipif(
    not CAN_START_ITSELF, reason="this Python can't start itself: an emulator runs it, and not the kernel"
)
"""For tests that start a Python."""
