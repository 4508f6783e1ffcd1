"""The soft-float functions by name: as IR text, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from armexec.isa.machine import Rounding
from armexec.machines.fp.formats import BFLOAT16, FORMATS, HALF, SINGLE, Format
from armexec.machines.llvm.soft_float import arithmetic, comparison, conversion, estimate
from armexec.machines.llvm.soft_float.function import SoftFunction
from armexec.machines.llvm.values import Value
from armexec.machines.system import DN, FZ

__all__ = ["soft_function"]

_PLAIN: dict[str, Callable[[SoftFunction, Format], Value]] = {
    "add": lambda s, f: arithmetic.add(s, f, flip=False),
    "sub": lambda s, f: arithmetic.add(s, f, flip=True),
    "mul": lambda s, f: arithmetic.multiply(s, f, extended=False),
    "mulx": lambda s, f: arithmetic.multiply(s, f, extended=True),
    "div": arithmetic.divide,
    "sqrt": arithmetic.square_root,
    "fma": lambda s, f: arithmetic.multiply_add(s, f, f),
    "fmal": lambda s, f: arithmetic.multiply_add(s, f, HALF),
    "max": lambda s, f: comparison.extreme(s, f, least=False, number=False),
    "min": lambda s, f: comparison.extreme(s, f, least=True, number=False),
    "maxnm": lambda s, f: comparison.extreme(s, f, least=False, number=True),
    "minnm": lambda s, f: comparison.extreme(s, f, least=True, number=True),
    "recps": lambda s, f: arithmetic.step(s, f, 2, 0),
    "rsqrts": lambda s, f: arithmetic.step(s, f, 3, 1),
    **{what: lambda s, f, what=what: comparison.compare(s, f, what) for what in ("eq", "ge", "gt", "cmp", "cmpe")},  # type: ignore[misc]
    "recpe": estimate.reciprocal_estimate,
    "rsqrte": estimate.reciprocal_square_root_estimate,
    "recpx": estimate.reciprocal_exponent,
    "urecpe": lambda s, f: estimate.unsigned_reciprocal_estimate(s),
    "ursqrte": lambda s, f: estimate.unsigned_reciprocal_square_root_estimate(s),
    "js": conversion.to_javascript,
    "bfadd": lambda s, f: arithmetic.bfloat(s, "bfadd"),
    "bfmul": lambda s, f: arithmetic.bfloat(s, "bfmul"),
    "tobf": lambda s, f: conversion.convert(s, f, BFLOAT16),
}


@cache
def soft_function(name: str, widths: tuple[int, ...], result: int) -> dict[str, str]:
    """The texts, by name, of `{iN, i64} @soft_<name>_<width>(iN..., i64 fpcr)` and what it needs.

    The names are those of `exact_nan`, and others with options: "tofixed<size>_<fraction bits>_<s or u>_<rounding>".
    """
    soft = SoftFunction(widths, FZ | DN if name.startswith("bf") else None)
    value = _body(soft, name, widths, result)
    b = soft.builder
    low = value.bits(0, result)
    kind = f"{{i{result}, i64}}"
    first = b.line(f"insertvalue {kind} poison, i{result} {low.text}, 0")
    both = b.line(f"insertvalue {kind} {first}, i64 {soft.flags.text}, 1")
    parameters = ", ".join(f"i{width} %a{i}" for i, width in enumerate(widths))
    full = f"soft_{name}_{widths[0]}"
    text = f"define internal {kind} @{full}({parameters}, i64 %fpcr) noinline nounwind {{"
    found = {full: "\n".join([text, *b.out, f"ret {kind} {both}", "}"])}
    if soft.table:
        found["square_roots"] = soft.table
    return found


def _body(soft: SoftFunction, name: str, widths: tuple[int, ...], result: int) -> Value:
    fmt = FORMATS.get(widths[0], SINGLE)
    if name in _PLAIN:
        return _PLAIN[name](soft, fmt)
    kind, *options = name.split("_")
    if kind.startswith("tofixed"):
        _set_rounding(soft, options[2])
        return conversion.to_fixed(soft, fmt, result, int(options[0]), signed=options[1] == "s")
    if kind.startswith("fromfixed"):
        return conversion.from_fixed(soft, FORMATS[result], int(options[0]), signed=options[1] == "s")
    if kind.startswith("rints"):
        _set_rounding(soft, options[0])
        return conversion.round_integral(soft, fmt, exact=True, size=int(kind.removeprefix("rints")))
    if kind == "rint":
        _set_rounding(soft, options[0])
        return conversion.round_integral(soft, fmt, exact=options[1] == "1")
    if name.endswith("odd"):
        soft.rounding = Rounding.ODD
    return conversion.convert(soft, fmt, FORMATS[result])


def _set_rounding(soft: SoftFunction, name: str) -> None:
    rounding = Rounding[name.upper()]
    if rounding is not Rounding.CURRENT:
        soft.rounding = rounding
