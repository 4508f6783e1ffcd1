"""The engines that can run here, for tests that go through all of them."""

from __future__ import annotations

from collections.abc import Iterator

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
