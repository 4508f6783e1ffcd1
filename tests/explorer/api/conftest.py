"""A server with the API for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from armexec.explorer.examples import EXAMPLES
from armexec.explorer.serving.server import application

from ..conversation import HOME, PORT, TOKEN
from .client import Client


@pytest.fixture(scope="package")
def http() -> Iterator[TestClient]:
    hello = {"version": "0", "opened": None, "examples": EXAMPLES}
    app = application(TOKEN, PORT, hello, with_api=True)
    with TestClient(app, base_url=HOME, follow_redirects=False) as client:
        yield client


@pytest.fixture
def ce(http: TestClient) -> Client:
    return Client(http)
