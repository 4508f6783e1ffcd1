"""Runs of sources, as a page begins them."""

from __future__ import annotations

import pickle
from typing import Any

from armexec.explorer.builds.build import Request, link
from armexec.explorer.examples import EXAMPLES
from armexec.explorer.runs.run import Run


def begun(text: str, kind: str = "c", opt: str = "-O0", target: str = "linux", **request: Any) -> Run:
    _, runnable = link(Request(text, kind, opt, target))
    return Run(pickle.loads(runnable), {"arguments": [], **request})


def of_example(title: str, **request: Any) -> Run:
    example = next(example for example in EXAMPLES if example["title"] == title)
    return begun(
        example["text"],
        example["kind"],
        example.get("opt", "-O0"),
        function=example.get("function", ""),
        signature=example.get("signature", ""),
        arguments=example["arguments"].split(),
        **request,
    )
