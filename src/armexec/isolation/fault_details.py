"""The registers and the backtrace of an exception, between processes: as what JSON has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armexec.backtraces import Backtrace, Frame
from armexec.cpu.snapshot import NAMES, CpuSnapshot

__all__ = ["decode_details", "encode_details"]

_MOST = 1000
"""Frames that are taken from a worker."""
_VECTOR_BITS, _GENERAL_BITS = 128, 64


def encode_details(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What of the fields of an exception isn't plain."""
    said: dict[str, Any] = {}
    cpu, backtrace = fields.get("cpu"), fields.get("backtrace")
    if isinstance(cpu, CpuSnapshot):
        said["cpu"] = {"known": {name: cpu[name] for name in cpu.known}, "why": cpu.why}
    if isinstance(backtrace, Backtrace):
        said["backtrace"] = {"frames": backtrace.frames, "rest": backtrace.rest}
    return said


def decode_details(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `encode_details` was given. Raises ValueError, TypeError or LookupError for others."""
    fields: dict[str, Any] = {}
    if "cpu" in said:
        known, why = said["cpu"]["known"], said["cpu"]["why"]
        fields["cpu"] = CpuSnapshot({name: _register(name, value) for name, value in known.items()}, _text(why))
    if "backtrace" in said:
        frames, rest = said["backtrace"]["frames"], said["backtrace"]["rest"]
        if len(frames) > _MOST:
            raise ValueError("too many frames")
        fields["backtrace"] = Backtrace([_frame(*frame) for frame in frames], _text(rest))
    return fields


def _frame(pc: object, symbol: object, function: object, file: object, line: object) -> Frame:
    return Frame(_number(pc), _text(symbol), _text(function), _text(file), _number(line))


def _register(name: str, value: object) -> int:
    bits = _VECTOR_BITS if name[0] == "v" else _GENERAL_BITS
    number = _number(value)
    if name not in NAMES or number >> bits:
        raise ValueError("no register")
    return number


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("no number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
