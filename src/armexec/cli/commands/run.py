"""`armexec run`: run a program, or call a function and print its result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import click

from armexec.cli.command import argument, command, file_name, memory_size, option
from armexec.cli.options import called_function, compilation, file_argument
from armexec.cli.outcome import ended_by_ctrl_c


@command(numbers=True)
@file_argument
@argument(
    "arguments",
    nargs=-1,
    metavar="[ARG]...",
    help='Integers in any base; text for char *; arrays such as "[1, 2, 3]"; -- before text that begins with -.',
)
@called_function
@option(
    "--files",
    multiple=True,
    metavar="PATH=FOLDER[:rw]",
    help="A folder that the code may read, or with :rw write, and its absolute path there.",
)
@option(
    "--time-limit",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Stop what still runs after so long, with an error that says where it was.",
)
@option(
    "--instruction-limit",
    type=click.IntRange(min=0),
    metavar="COUNT",
    help="Stop before the guest executes more instructions, with an error that says where it was.",
)
@option(
    "--memory-limit",
    type=memory_size,
    metavar="SIZE",
    help="How much memory a program may map, such as 64M; more is refused.",
)
@option("--stack-size", type=memory_size, metavar="SIZE", help="How large the guest's stack is, such as 64M.")
@option("--sandbox", is_flag=True, help="Let the code reach no memory but its own (only on the translated engine).")
@option(
    "--isolate",
    is_flag=True,
    help="Run the code in a process of its own, which can do nothing else: open files, connect, or start others.",
)
@option("--json", is_flag=True, help="Print the result as JSON, with what was called.")
@option("--profile", is_flag=True, help="Show on standard error which functions and lines took the time.")
@option(
    "--coverage",
    type=file_name,
    metavar="FILE",
    help="Write which lines and branches were executed, as lcov has them (genhtml, editors).",
)
@option(
    "--callgrind",
    type=file_name,
    metavar="FILE",
    help="Write how many instructions functions, lines and calls took (kcachegrind, callgrind_annotate).",
)
@option(
    "--gdb",
    metavar="PORT",
    help="Wait for gdb or lldb on a port (0: a free one), or on standard input and output (-).",
)
@compilation
def run(
    file: str,
    arguments: Sequence[str],
    function: str | None,
    signature: str | None,
    engine: str | None,
    tier: str | None,
    search: Sequence[str],
    files: Sequence[str],
    time_limit: float | None,
    instruction_limit: int | None,
    memory_limit: int | None,
    stack_size: int | None,
    sandbox: bool,
    isolate: bool,
    json: bool,
    profile: bool,
    coverage: str | None,
    callgrind: str | None,
    gdb: str | None,
    target: str,
    opt: str,
    language: str | None,
    compiler: str | None,
    flag: Sequence[str],
) -> int:
    """Run a program, or call a function and print its result.

    A file that defines `main` is run as a program, unless --function or --signature is given: the arguments are its
    own, and its exit status becomes that of the command. It is linked with the C or C++ library if it uses one.

    Otherwise the function is the only one in the file, or the one that --function names. Its signature comes from the
    debug information, or from --signature. Without both, assembly and words take and return longs, and objects ints.
    Arrays that the function can write to are printed after the result.

    A profile takes samples while the function runs (of time of the processor in guest code; the reference engine counts
    instructions), and changes nothing of what it does: a function that is over in an instant has too few.
    """
    from armexec.api import load_source, source_image
    from armexec.cli.call import prepare
    from armexec.cli.counted import CountFiles, counted_call
    from armexec.cli.inputs import open_source
    from armexec.cli.options import engine_name
    from armexec.cli.program import given_folders, is_program, run_program
    from armexec.module.arguments.text import shown_result, written
    from armexec.module.settings import Settings
    from armexec.resource_limits.run_limits import limits

    counts = CountFiles(coverage, callgrind)
    if counts.are_asked_for and (profile or isolate or gdb is not None):
        raise click.UsageError("--coverage and --callgrind don't go together with --profile, --isolate and --gdb")
    folders = given_folders(files)
    if isolate and profile:
        raise click.UsageError("--profile doesn't see what runs in a process of its own: leave out --isolate")
    if isolate and gdb is not None:
        raise click.UsageError("--gdb doesn't reach what runs in a process of its own: leave out --isolate")
    isolation = "process" if isolate else None
    given = limits(
        time_limit=time_limit, instruction_limit=instruction_limit, memory_limit=memory_limit, stack_size=stack_size
    )
    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler, search=search)
    chosen = engine_name(engine, tier)
    image = source_image(source, chosen)
    if function is None and signature is None and is_program(source, image):
        if gdb is not None:
            from armexec.cli.debugging import debugged_program

            with given:
                return debugged_program(source, arguments, folders, gdb, engine=chosen, sandbox=sandbox)
        return run_program(
            source,
            arguments,
            folders,
            engine=chosen,
            limits=given,
            json=json,
            profile=profile,
            sandbox=sandbox,
            counts=counts if counts.are_asked_for else None,
            isolate=isolation,
        )
    settings = Settings(memory_limit=memory_limit, files=folders or None, sandbox=sandbox, isolate=isolation)
    with load_source(source, chosen, image=image, settings=settings) as module:
        called, prototype, values = prepare(module, function, signature, arguments, compiled=source.is_compiled)
        made = None
        if profile:
            from armexec.profiling.profile import Profile

            made = Profile()
        with ended_by_ctrl_c(), given, made or nullcontext():
            if counts.are_asked_for:
                value = counted_call(called, values, counts)
            elif gdb is None:
                value = called(*values)
            else:
                from armexec.cli.debugging import debugged_call

                value = debugged_call(called, values, gdb)
        result = shown_result(prototype, value, called.module._memory)
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
            if made is not None:
                from armexec.cli.profiled import as_json

                shown["profile"] = as_json(made)
            print(encoder.dumps(shown))
            return 0
        if prototype.result.kind != "void":
            print(result if not isinstance(result, bool) else str(result).lower())
        for name, value in after.items():
            print(f"{name} = {value!r}" if isinstance(value, str) else f"{name} = {value}")
        if made is not None:
            from armexec.cli.profiled import show_profile

            show_profile(made, source.name, source.text.splitlines() if source.uses_compiler else ())
    return 0
