"""Where host code has a value of an IR text: what LLVM's debug information says of it.

Values that are watched are variables to LLVM, one for each, so that none can be taken for an older one of its name.
Sources: DWARF 5, 2.5 and 2.6, of which what LLVM uses for integers is understood here; all else isn't known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from armexec.translate.codegen.llvm import host_machine

__all__ = ["value_of", "variables"]

_MASK = (1 << 64) - 1
_STACK_POINTER = 7 if host_machine() in ("x86_64", "AMD64") else 31
_BINARY: Mapping[str, Callable[[int, int], int]] = {
    "DW_OP_plus": lambda a, b: a + b,
    "DW_OP_minus": lambda a, b: a - b,
    "DW_OP_mul": lambda a, b: a * b,
    "DW_OP_and": lambda a, b: a & b,
    "DW_OP_or": lambda a, b: a | b,
    "DW_OP_xor": lambda a, b: a ^ b,
    "DW_OP_shl": lambda a, b: a << b if b < 64 else 0,
    "DW_OP_shr": lambda a, b: a >> b if b < 64 else 0,
}


def variables(scope: Any) -> dict[str, Any]:
    """The entries of the variables of a function's entry, by name."""
    found = {}
    for entry in scope.iter_children():
        if entry.tag == "DW_TAG_variable":
            named = entry
            if "DW_AT_abstract_origin" in entry.attributes:
                named = entry.get_DIE_from_attribute("DW_AT_abstract_origin")
            name = named.attributes.get("DW_AT_name")
            if name is not None:
                found[name.value.decode()] = entry
    return found


def value_of(
    entry: Any,
    address: int,
    registers: Mapping[int, int],
    word: Callable[[int], int | None],
    frame: Any,
    info: Any,
) -> int | None:
    """The 64 bits that a variable has at an address of the code, of which those above its size mean nothing; else None.

    Args:
        entry: the variable's.
        registers: the host's, by DWARF's numbers.
        word: gives a word of the stack.
        frame: the entry of the host's function.
        info: the debug information of all.
    """
    constant = entry.attributes.get("DW_AT_const_value")
    if constant is not None:
        return constant.value & _MASK if isinstance(constant.value, int) else None
    expression = _expression(entry, address, info)
    return None if expression is None else _evaluated(expression, registers, word, frame, entry.cu)


def _expression(entry: Any, address: int, info: Any) -> Any:
    """The bytes that say where a variable is at an address."""
    from elftools.dwarf.locationlists import LocationExpr, LocationParser

    location = entry.attributes.get("DW_AT_location")
    if location is None:
        return None
    found = LocationParser(info.location_lists()).parse_from_attribute(location, entry.cu["version"], entry)
    if isinstance(found, LocationExpr):
        return found.loc_expr
    low = entry.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
    base = low.value if low is not None else 0
    part: Any
    for part in found:
        if hasattr(part, "base_address"):
            base = part.base_address
            continue
        start = 0 if getattr(part, "is_absolute", False) else base
        if start + part.begin_offset <= address < start + part.end_offset:
            return part.loc_expr
    return None


def _evaluated(
    expression: Any, registers: Mapping[int, int], word: Callable[[int], int | None], frame: Any, unit: Any
) -> int | None:
    from elftools.dwarf.dwarf_expr import DWARFExprParser

    operations = DWARFExprParser(unit.structs).parse_expr(expression)
    stack: list[int] = []
    is_value = False
    for number, operation in enumerate(operations):
        name, arguments = operation.op_name, operation.args
        if name.startswith("DW_OP_reg"):
            # In the register itself: then there is nothing else.
            register = arguments[0] if name == "DW_OP_regx" else int(name.removeprefix("DW_OP_reg"))
            # LLVM says so, too, of what is in memory where the stack pointer points to (LLVM 22).
            return registers.get(register) if len(operations) == 1 and register != _STACK_POINTER else None
        if name.startswith("DW_OP_breg"):
            register = arguments[0] if name == "DW_OP_bregx" else int(name.removeprefix("DW_OP_breg"))
            if register not in registers:
                return None
            stack.append(registers[register] + arguments[-1] & _MASK)
        elif name == "DW_OP_fbreg":
            base = _frame_base(frame, registers)
            if base is None:
                return None
            stack.append(base + arguments[0] & _MASK)
        elif name.startswith("DW_OP_lit"):
            stack.append(int(name.removeprefix("DW_OP_lit")))
        elif name.startswith("DW_OP_const"):
            stack.append(arguments[0] & _MASK)
        elif name == "DW_OP_plus_uconst" and stack:
            stack.append(stack.pop() + arguments[0] & _MASK)
        elif name in _BINARY and len(stack) > 1:
            second, first = stack.pop(), stack.pop()
            stack.append(_BINARY[name](first, second) & _MASK)
        elif name == "DW_OP_stack_value" and number == len(operations) - 1:
            is_value = True
        else:
            return None
    if len(stack) != 1:
        return None
    return stack[0] if is_value else word(stack[0])


def _frame_base(frame: Any, registers: Mapping[int, int]) -> int | None:
    from elftools.dwarf.dwarf_expr import DWARFExprParser

    base = frame.attributes.get("DW_AT_frame_base")
    if base is None:
        return None
    operations = DWARFExprParser(frame.cu.structs).parse_expr(base.value)
    name = operations[0].op_name if len(operations) == 1 else ""
    if not name.startswith("DW_OP_reg") or name == "DW_OP_regx":
        return None
    return registers.get(int(name.removeprefix("DW_OP_reg")))
