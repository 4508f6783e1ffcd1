"""Short links: client states on disk, by an id that is made of their contents."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from armexec.store import Store

__all__ = ["Links"]

_LENGTH = 12
"""Characters of an id: 72 bits."""
_MOST = 256
"""Links that are also kept in memory, for where nothing is kept on disk."""


class Links:
    """The links of this user."""

    def __init__(self) -> None:
        self._store = Store("links")
        self._recent: dict[str, bytes] = {}

    def add(self, state: dict[str, Any]) -> str:
        """Keep a state; its id, which is the same for the same state."""
        data = json.dumps(state, sort_keys=True).encode()
        name = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()[:_LENGTH]
        while len(self._recent) >= _MOST:
            del self._recent[next(iter(self._recent))]
        self._recent[name] = data
        self._store.put(_key(name), data)
        return name

    def find(self, name: str) -> dict[str, Any] | None:
        """The state of an id."""
        data = self._recent.get(name) or self._store.get(_key(name))
        found: dict[str, Any] | None = json.loads(data) if data else None
        return found


def _key(name: str) -> str:
    return Store.key("link 1", name)
