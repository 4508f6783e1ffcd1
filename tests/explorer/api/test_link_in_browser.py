"""A short link opens the page with its source, in Debian's chromium."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from browsers import chromium, needs_chromium

from .client import ECHO

pytestmark = needs_chromium
LONG = 60_000


def shortened(home: str, state: object) -> str:
    """A link to a client state."""
    with urllib.request.urlopen(f"{home}/api/shortener", json.dumps(state).encode()) as answer:
        url: str = json.load(answer)["url"]
    return url


@pytest.mark.slow
def test_a_link_opens_the_page_with_its_source_and_runs_it() -> None:
    compiler = {"id": "c-linux", "options": "-O1 -DLINKED"}
    session = {"id": 1, "language": "c", "source": ECHO, "compilers": [compiler]}
    session["executors"] = [{"arguments": ["from", "a link"], "stdin": "typed", "compiler": compiler}]
    command = [sys.executable, "-m", "armexec", "explore", "--no-browser", "--api"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        chromium() as browser,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            link = shortened("/".join(url.split("/")[:3]), {"sessions": [session]})
            page = browser.new_page()
            page.set_default_timeout(LONG)
            page.goto(link)
            page.wait_for_selector(".result :is(.good, .warn, .bad)")
            assert page.url.startswith(url)
            assert "static long call" in str(page.text_content(".cm-content"))
            assert page.input_value("[aria-label=Optimization]") == "-O1"
            assert page.input_value("[aria-label='Compiler options']") == "-DLINKED"
            assert "exit status 43" in str(page.text_content(".result"))
            if folder := os.environ.get("ARMEXEC_SCREENSHOTS"):
                page.screenshot(path=Path(folder) / "link.png")
        finally:
            process.send_signal(signal.SIGINT)
