"""Python callables that call by a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from armexec.abi.checks import parameter_names
from armexec.abi.frames.caller import CallerPlan
from armexec.abi.generated import define_call
from armexec.abi.lists import write_back
from armexec.abi.placement import CallingConvention
from armexec.abi.variadic import variable_arguments
from armexec.objects import CType, Prototype

__all__ = ["make_frame_call"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def make_frame_call(
    prototype: Prototype,
    convention: CallingConvention,
    enter: Callable[[int], None],
    convert: Callable[[Any], Any] | None = None,
    owners: Callable[[], list[Any]] = list,
    variable: Sequence[CType] | None = None,
    *,
    sandbox: bool = False,
) -> Callable[..., Any]:
    """A function that takes Python values for the parameters, by position or by name.

    `enter` makes the call: given the address of a `CallFrame`, it puts its registers and stack arguments where they
    belong, and the registers at the return into the frame. A variadic function takes further arguments, whose types are
    `variable`, or told from their values (`variable_arguments`) where that is None. `owners` makes the list of the
    objects whose addresses are passed. `convert` changes the result while the arguments still have their memory.
    `sandbox`: the function is in one.

    Raises:
        SignatureError: a type can't be passed. The function itself raises it for arguments that don't fit.
    """
    plan = CallerPlan(prototype, convention, variable or (), sandbox=sandbox)
    if variable is not None:
        prototype = plan.prototype

    plans: dict[Any, CallerPlan] = {}

    def run_variadic(values: list[Any], extra: tuple[Any, ...]) -> Any:
        key, types, passed = variable_arguments(prototype, extra, convention)
        found = plans.get(key)
        if found is None:
            found = plans[key] = CallerPlan(prototype, convention, types, sandbox=sandbox)
        frame = found.take()
        alive = owners()
        try:
            found.fill(frame, alive, *values, *passed)
            enter(frame.address)
            result = found.result(frame)
            return result if convert is None else convert(result)
        finally:
            found.give(frame)
            write_back(alive)

    names = parameter_names(prototype)
    otherwise = None
    if prototype.variadic and variable is None:
        given = "".join(f"{name}, " for name in names)
        otherwise = f"return _variadic(_by_position(_prototype, ({given}), (), _named), _extra)"
    # The same as in `run_variadic`, without a further call.
    body = (
        f"_alive = {'[]' if owners is list else '_owners()'}",
        "_frame = _free.pop() if _free else _take()",
        "try:",
        f"    _fill({', '.join(['_frame', '_alive', *names])})",
        "    _enter(_frame.address)",
        f"    return {'_result(_frame)' if convert is None else '_convert(_result(_frame))'}",
        "finally:",
        "    _give(_frame)",
        "    if _alive: _write_back(_alive)",
    )
    scope: dict[str, Any] = {
        "_convert": convert,
        "_enter": enter,
        "_fill": plan.fill,
        "_free": plan.free,
        "_give": plan.free.append,
        "_owners": owners,
        "_result": plan.result,
        "_take": plan.take,
        "_variadic": run_variadic,
        "_write_back": write_back,
    }
    return define_call(prototype, names, body, scope, otherwise)
