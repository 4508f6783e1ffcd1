"""A short link opens the page with its source, in Debian's chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from .client import ECHO

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium isn't installed")
LONG = 60_000


def shortened(home: str, state: object) -> str:
    """A link to a client state."""
    with urllib.request.urlopen(f"{home}/api/shortener", json.dumps(state).encode()) as answer:
        url: str = json.load(answer)["url"]
    return url


def test_a_link_opens_the_page_with_its_source_and_runs_it() -> None:
    compiler = {"id": "c-linux", "options": "-O1 -DLINKED"}
    session = {"id": 1, "language": "c", "source": ECHO, "compilers": [compiler]}
    session["executors"] = [{"arguments": ["from", "a link"], "stdin": "typed", "compiler": compiler}]
    command = [sys.executable, "-m", "armexec", "explore", "--no-browser", "--api"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        playwright.sync_playwright() as started,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            link = shortened("/".join(url.split("/")[:3]), {"sessions": [session]})
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
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
            browser.close()
        finally:
            process.send_signal(signal.SIGINT)
