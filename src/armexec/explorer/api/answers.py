"""Results as clients read them, as JSON and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from armexec import __version__
from armexec.explorer.api.building import FILE
from armexec.explorer.api.lines import line_of
from armexec.explorer.api.requests import Compilation

__all__ = ["compiled", "executed", "lines_of", "listed", "not_built", "text_of", "texts"]

_FAILED = "<Compilation failed>"
# The exit statuses that a shell tells of programs which a signal has ended.
_FAULTS = {"MemoryFault": 139, "IllegalInstruction": 132, "BreakpointHit": 133, "Aborted": 134}
_TIMED_OUT = 137
_CRASHED = -1


def lines_of(text: str) -> list[dict[str, Any]]:
    """Output line by line."""
    return [{"text": line} for line in text.removesuffix("\n").split("\n")] if text else []


def compiled(
    asked: Compilation, built: Mapping[str, Any], milliseconds: int, *, timed_out: bool = False
) -> dict[str, Any]:
    """The result of a compilation. `built`: the builder's answer."""
    failed = built["code"] != 0
    notes = [{"text": f"armexec has no library {name!r}: it is left out"} for name in dict.fromkeys(asked.libraries)]
    return {
        "code": built["code"],
        "okToCache": not timed_out,
        "timedOut": timed_out,
        "truncated": built.get("truncated", False),
        "inputFilename": FILE,
        "compilationOptions": built.get("options", []),
        "instructionSet": "aarch64",
        "execTime": milliseconds,
        "parsingTime": 0,
        "stdout": [],
        "stderr": [*notes, *built["stderr"]],
        "asm": [line_of(_FAILED)] if failed else built["asm"],
        "labelDefinitions": {} if failed else built["labels"],
        "tools": [
            {"id": name, "name": name, "code": 1, "stdout": [], "stderr": [{"text": f"there is no tool {name!r}"}]}
            for name in asked.tools
        ],
        "filteredCount": 0,
    }


def not_built(built: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a program that can't be linked. `built`: the builder's answer."""
    return {
        "code": _CRASHED,
        "didExecute": False,
        "timedOut": False,
        "truncated": False,
        "okToCache": False,
        "execTime": 0,
        "stdout": [],
        "stderr": [{"text": "Build failed"}, *built["stderr"]],
        "buildResult": _build_result(built),
    }


def executed(ran: Mapping[str, Any], built: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a program that was run. `ran`: the runner's answer, or an error."""
    error = ran.get("error")
    message = error["message"] if error else ""
    kind = error["kind"] if error else ""
    timed_out = kind in ("TimeLimitExceeded", "InstructionLimitExceeded")
    status = ran.get("status", _CRASHED) if error is None else _TIMED_OUT if timed_out else _FAULTS.get(kind, _CRASHED)
    return {
        "code": status,
        "didExecute": True,
        "timedOut": timed_out,
        "truncated": ran.get("truncated", False),
        "okToCache": not timed_out,
        "execTime": ran.get("milliseconds", 0),
        "stdout": lines_of(ran.get("stdout", "")),
        "stderr": [*lines_of(ran.get("stderr", "")), *lines_of(message)],
        "buildResult": _build_result(built),
    }


def _build_result(built: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": built["code"],
        "timedOut": False,
        "inputFilename": FILE,
        "compilationOptions": [],
        "stdout": [],
        "stderr": built["stderr"],
    }


def texts(lines: Sequence[Mapping[str, Any]]) -> str:
    """The text of lines."""
    return "\n".join(line["text"] for line in lines)


def text_of(result: Mapping[str, Any]) -> str:
    """The result of a compilation as text, or that of an execution alone."""
    if "asm" not in result:
        return _execution_text(result)
    found = f"# Compilation provided by armexec {__version__}\n{texts(result['asm'])}"
    if result["code"] != 0:
        found += f"\n# Compiler exited with result code {result['code']}"
    if result["stdout"]:
        found += f"\nStandard out:\n{texts(result['stdout'])}"
    if result["stderr"]:
        found += f"\nStandard error:\n{texts(result['stderr'])}"
    if "execResult" in result:
        found += f"\n\n{_execution_text(result['execResult'])}"
    return found.rstrip("\n") + "\n"


def _execution_text(result: Mapping[str, Any]) -> str:
    found = f"# Execution result with exit code {result['code']}\n"
    if result["stdout"]:
        found += f"# Standard out:\n{texts(result['stdout'])}\n"
    if result["stderr"]:
        found += f"# Standard error:\n{texts(result['stderr'])}\n"
    return found


def listed(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Languages or compilers as text."""
    width = max(len(text) for text in (title, *(row["id"] for row in rows)))
    return "\n".join([f"{title:{width}} | Name", *(f"{row['id']:{width}} | {row['name']}" for row in rows)]) + "\n"
