"""`armexec run`: call a function and print its result."""

from __future__ import annotations

from typing import Annotated

import typer

from armexec.cli.options import (
    Compiler,
    Engine,
    File,
    Flags,
    FunctionName,
    Language,
    Level,
    Optimization,
    Signature,
    Target,
    TargetName,
    Tier,
    negative_numbers,
)
from armexec.cli.outcome import command, ended_by_ctrl_c

CONTEXT = negative_numbers()


@command
def run(
    file: File,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARG]...", help='Integers in any base; text for char *; arrays such as "[1, 2, 3]".'),
    ] = None,
    function: FunctionName = None,
    signature: Signature = None,
    engine: Engine = None,
    tier: Tier = None,
    target: Target = TargetName.host,
    opt: Optimization = Level.none,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, with what was called.")] = False,
    language: Language = None,
    compiler: Compiler = None,
    flag: Flags = None,
) -> None:
    """Call a function and print its result.

    The function is the only one in the file, or `main`, or the one that --function names. Its signature comes from the
    debug information; code without any takes and returns ints unless --signature says otherwise. Arrays that the
    function can write to are printed after the result.
    """
    from armexec.cli.arguments import shown_result, written
    from armexec.cli.call import prepare
    from armexec.cli.inputs import Input
    from armexec.cli.options import engine_name, refuse_unknown_options

    texts = refuse_unknown_options(arguments or [])
    source = Input.of(file, language, level=opt, target=target, flags=flag, compiler=compiler)
    with source.module(engine_name(engine, tier)) as module:
        called, prototype, values = prepare(module, function, signature, texts)
        with ended_by_ctrl_c():
            value = called(*values)
        result = shown_result(prototype, value)
        after = written(prototype, values)
        if json:
            import json as encoder

            shown = {
                "result": result,
                "function": called.name,
                "signature": called.signature,
                "engine": called.engine,
                **({"written": after} if after else {}),
            }
            print(encoder.dumps(shown))
            return
        if prototype.result.kind != "void":
            print(result if not isinstance(result, bool) else str(result).lower())
        for name, value in after.items():
            print(f"{name} = {value!r}" if isinstance(value, str) else f"{name} = {value}")
