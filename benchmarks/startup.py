"""Start-up: commands as whole processes, beside `python -c pass` and a static program under qemu-aarch64, in one run.

Prints wall time and time of the processor (with that of children), and where a first and a later
`armexec run examples/fn.cpp 3` spend theirs: imports by package, the compiler, the rest. Medians of rounds in which all
run in turn. `cold` is with an empty cache; bytecode of armexec itself is always kept. --json prints all as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FN = str(ROOT / "examples" / "fn.cpp")
COMMANDS = {
    "import armexec": ["-c", "import armexec"],
    "armexec asm examples/fn.s": ["-m", "armexec", "asm", str(ROOT / "examples" / "fn.s")],
    "armexec disasm d65f03c0": ["-m", "armexec", "disasm", "d65f03c0"],
    "armexec run examples/fn.hex 3": ["-m", "armexec", "run", str(ROOT / "examples" / "fn.hex"), "3"],
    "armexec run examples/fn.cpp 3": ["-m", "armexec", "run", FN, "3"],
}
COLD = "armexec run examples/fn.cpp 3, cold"
HELLO = """
        .globl _start
_start: mov x0, #1
        adr x1, text
        mov x2, #6
        mov x8, #64             // write
        svc #0
        mov x0, #0
        mov x8, #93             // exit
        svc #0
text:   .ascii "hello\\n"
"""


class Times:
    """Wall time and time of the processor of processes, in seconds."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def measure(self, command: list[str], environment: dict[str, str], *, count: bool) -> None:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if count:
            self.wall.append(wall)
            self.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def hello(folder: Path) -> list[str] | str:
    """The command that runs a static program under qemu-aarch64, or the reason why there is none."""
    from armexec.toolchain import compile_object, wheel_compiler

    qemu = shutil.which("qemu-aarch64")
    if qemu is None:
        return "qemu-aarch64 isn't installed"
    compiler = wheel_compiler()
    if compiler is None:
        return "there is no linker: the ziglang package isn't installed"
    (folder / "hello.o").write_bytes(compile_object(HELLO, language="assembler", target="linux").data)
    link = [compiler.path, "ld.lld", "-o", str(folder / "hello"), str(folder / "hello.o")]
    done = subprocess.run(link, capture_output=True, text=True, check=False)
    return [qemu, str(folder / "hello")] if done.returncode == 0 else f"it can't be linked: {done.stderr.strip()}"


def where(environment: dict[str, str]) -> dict[str, float]:
    """Seconds that one run of the function spends importing each package, running the compiler, and otherwise."""
    script = """
import sys, time
spent = 0.0
from armexec.toolchain import process
real = process.run
def run(*arguments, **named):
    global spent
    start = time.perf_counter()
    try:
        return real(*arguments, **named)
    finally:
        spent += time.perf_counter() - start
process.run = run
sys.argv = ["armexec", "run", sys.argv[1], "3"]
start = time.perf_counter()
from armexec.cli import main
try:
    main()
except SystemExit:
    pass
print(spent, time.perf_counter() - start)
"""
    command = [sys.executable, "-X", "importtime", "-c", script, FN]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    compiler, total = map(float, done.stdout.split()[-2:])
    imports: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            name = parts[2].strip().partition(".")[0]
            imports["importing Python's library" if name in sys.stdlib_module_names else f"importing {name}"] += int(
                parts[0]
            )
    shown = {name: microseconds / 1e6 for name, microseconds in imports.most_common()}
    rest = total - compiler - sum(shown.values())
    if compiler:
        shown["the compiler"] = compiler
    shown["the rest"] = max(0.0, rest)
    return shown


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="armexec-startup-") as directory:
        folder = Path(directory)
        environment = dict(os.environ, ARMEXEC_CACHE_DIR=str(folder / "warm"), PYTHONPYCACHEPREFIX=str(folder / "code"))
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        commands = {"python -c pass": [sys.executable, "-c", "pass"]}
        program = hello(folder)
        if isinstance(program, list):
            commands["qemu-aarch64 hello"] = program
        commands |= {name: [sys.executable, *command] for name, command in COMMANDS.items()}
        times = {name: Times() for name in (*commands, COLD)}
        for number in range(arguments.rounds + 1):
            for name, command in commands.items():
                times[name].measure(command, environment, count=number > 0)  # the first round warms the caches
            cold = dict(environment, ARMEXEC_CACHE_DIR=str(folder / f"cold {number}"))
            times[COLD].measure(commands["armexec run examples/fn.cpp 3"], cold, count=number > 0)
        parts = {
            "a later run": where(environment),
            "a first run": where(dict(environment, ARMEXEC_CACHE_DIR=str(folder / "cold"))),
        }
    figures = {
        name: {"wall_ms": 1e3 * statistics.median(t.wall), "cpu_ms": 1e3 * statistics.median(t.cpu)}
        for name, t in times.items()
    }
    if arguments.json:
        print(json.dumps({"commands": figures, "where": parts}, indent=2))
        return
    print(f"{'':38}{'wall':>8}{'processor':>12}")
    for name, figure in figures.items():
        print(f"{name:38}{figure['wall_ms']:5.0f} ms{figure['cpu_ms']:9.0f} ms")
    if isinstance(program, str):
        print(f"qemu-aarch64 hello: left out, {program}")
    for title, shown in parts.items():
        print(f"\n{title} of armexec run examples/fn.cpp 3 (slower than above: it is watched)")
        for part, seconds in shown.items():
            if seconds >= 5e-4:
                print(f"  {part:36}{1e3 * seconds:5.0f} ms")


if __name__ == "__main__":
    main()
