"""One server for all tests: its processes take a second to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from armexec.explorer.examples import EXAMPLES
from armexec.explorer.serving.server import application

from .conversation import HOME, PORT, TOKEN, Conversation, conversation


@pytest.fixture(scope="package")
def client() -> Iterator[TestClient]:
    hello = {"version": "0", "opened": None, "examples": EXAMPLES}
    with TestClient(application(TOKEN, PORT, hello), base_url=HOME) as client:
        yield client


@pytest.fixture
def page(client: TestClient) -> Iterator[Conversation]:
    with conversation(client) as page:
        yield page


@pytest.fixture(autouse=True)
def standard_output() -> Iterator[None]:
    """A run has its own."""
    kept = sys.stdout
    yield
    sys.stdout = kept
