"""Floating point by the host's instructions, where that raises no flag that isn't raised already.

Code of an address space computes as FPCR says and raises FPSR's flags. Most operations are inexact, and most programs
never clear the flag for that. Where FPSR.IXC is set and FPCR is zero, only the result has to be looked at. One between
the least normal number and infinity comes from finite operands. It is neither an overflow nor an underflow, and without
FPCR.FZ a denormal operand raises no flag. So the operation changes nothing but its result, and the host's instruction
gives the same. All else is soft float's. (QEMU's hardfloat, `fpu/softfloat.c`, does so.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from armexec.cpu.state import OFFSETS
from armexec.machines.fp.formats import DOUBLE, SINGLE
from armexec.machines.llvm.soft_float.by_name import soft_function
from armexec.machines.system import IXC

__all__ = ["host_function"]

_TYPES = {32: ("float", SINGLE), 64: ("double", DOUBLE)}
_OPERATIONS = {
    "add": "fadd {kind} %x0, %x1",
    "sub": "fsub {kind} %x0, %x1",
    "mul": "fmul {kind} %x0, %x1",
    "div": "fdiv {kind} %x0, %x1",
    "sqrt": "call {kind} @llvm.sqrt.f{width}({kind} %x0)",
    # The addend is the first operand.
    "fma": "call {kind} @llvm.fma.f{width}({kind} %x1, {kind} %x2, {kind} %x0)",
}
_ZEROS = {
    # Where a result of zero is exact: of a sum always, of a product or a quotient where a factor or the dividend is.
    "add": "true",
    "sub": "true",
    "mul": "%zero",
    "div": "%zero0",
    "sqrt": "false",
    "fma": "false",
}


def host_function(name: str, widths: tuple[int, ...], result: int) -> Mapping[str, str] | None:
    """The text, by its name, of `iN @host_<name>_<width>(iN..., ptr state)` and what it needs; None: there is none.

    It does what soft float's function of that name does, and raises the flags itself.
    """
    if widths[0] not in _TYPES or (name not in _OPERATIONS and name not in ("cmp", "cmpe")):
        return None
    return _host_function(name, widths, result)


@cache
def _host_function(name: str, widths: tuple[int, ...], result: int) -> Mapping[str, str]:
    width, count = widths[0], len(widths)
    full = f"host_{name}_{width}"
    test = _comparison(width) if name in ("cmp", "cmpe") else _operation(name, width, count)
    operands = ", ".join(f"i{width} %a{i}" for i in range(count))
    soft = soft_function(name, widths, result)
    kind = f"{{i{result}, i64}}"
    text = f"""\
define internal i{result} @{full}({operands}, ptr %state) noinline nounwind {{
  %fpcr_at = getelementptr i8, ptr %state, i64 {OFFSETS["fpcr"]}
  %fpcr = load i64, ptr %fpcr_at
  %fpsr_at = getelementptr i8, ptr %state, i64 {OFFSETS["fpsr"]}
  %fpsr = load i64, ptr %fpsr_at
  %plain = icmp eq i64 %fpcr, 0
{test}
  %ok = and i1 %plain, %same
  br i1 %ok, label %host, label %soft
host:
  ret i{result} %result
soft:
  %both = call {kind} @soft_{name}_{width}({operands}, i64 %fpcr)
  %flags = extractvalue {kind} %both, 1
  %all = or i64 %fpsr, %flags
  store i64 %all, ptr %fpsr_at
  %exact = extractvalue {kind} %both, 0
  ret i{result} %exact
}}"""
    return {full: "\n".join([text, *soft.values()])}


def _operation(name: str, width: int, count: int) -> str:
    kind, fmt = _TYPES[width]
    infinity = fmt.exponent_mask << fmt.fraction_bits
    least = 1 << fmt.fraction_bits
    sign = 1 << width - 1
    lines = [f"%x{i} = bitcast i{width} %a{i} to {kind}" for i in range(count)]
    for i in range(count if name in ("mul", "div") else 0):
        lines += [f"%size{i} = and i{width} %a{i}, {sign - 1}", f"%zero{i} = icmp eq i{width} %size{i}, 0"]
    if name == "mul":
        lines.append("%zero = or i1 %zero0, %zero1")
    lines += [
        f"%computed = {_OPERATIONS[name].format(kind=kind, width=width)}",
        f"%result = bitcast {kind} %computed to i{width}",
        f"%size = and i{width} %result, {sign - 1}",
        # The least normal number may have been rounded up to, which is an underflow.
        f"%above = sub i{width} %size, {least + 1}",
        f"%inside = icmp ult i{width} %above, {infinity - least - 1}",
        f"%none = icmp eq i{width} %size, 0",
        f"%vanishes = and i1 %none, {_ZEROS[name]}",
        f"%inexact = and i64 %fpsr, {IXC}",
        "%raised = icmp ne i64 %inexact, 0",
        "%fits = and i1 %inside, %raised",
        "%same = or i1 %fits, %vanishes",
    ]
    return "\n".join(f"  {line}" for line in lines)


def _comparison(width: int) -> str:
    """N, Z, C and V as four bits. No flag is raised unless an operand is a NaN."""
    kind, _ = _TYPES[width]
    return "\n".join(
        f"  {line}"
        for line in (
            f"%x0 = bitcast i{width} %a0 to {kind}",
            f"%x1 = bitcast i{width} %a1 to {kind}",
            f"%same = fcmp ord {kind} %x0, %x1",
            f"%less = fcmp olt {kind} %x0, %x1",
            f"%equal = fcmp oeq {kind} %x0, %x1",
            "%else = select i1 %equal, i8 6, i8 2",
            "%result = select i1 %less, i8 8, i8 %else",
        )
    )
