"""No call of mmap or mprotect asks for memory that is writable and executable at once: strace looks at all of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engines import needs_processes

pytestmark = [needs_processes, pytest.mark.skipif(shutil.which("strace") is None, reason="strace isn't installed")]

EVERYTHING = r"""
import armexec

SOURCE = '''
long apply(long (*f)(long), long n) { return f(n) + 1; }
long load(long *p) { return *p; }
double half(double x) { return x / 2; }
struct pair { long a, b; };
struct pair swap(struct pair p) { return (struct pair){p.b, p.a}; }
'''
for engine in ("translated", "reference"):
    module = armexec.compile(SOURCE, "c", engine=engine)
    for _ in range(3):
        assert module.apply(lambda n: 2 * n, 20) == 41
        assert module.half(3.0) == 1.5
        assert module.swap((1, 2)).a == 2
    try:
        module.load(16)
    except armexec.MemoryFault as error:
        str(error)
    assert module.half.ctypes(3.0) == module.half.ufunc(3.0) == 1.5
    assert armexec.debug(module.half, 3.0).run().reason == "returned"
    assert armexec.trace(module.half, 3.0).result == 1.5
    module.replace("half", lambda x: x)
    with armexec.limits(instruction_limit=10_000, stack_size=64 << 10):
        assert module.apply(lambda n: n, 1) == 2
    module.close()
call = armexec.function("br x0", "long(long)", engine="translated")
with armexec.CodeBuffer(4096) as buffer:
    for number in (3, 4):
        buffer.write(0, armexec.assemble(f"mov x0, #{number}\nret").bytes)
        assert call(buffer.address) == number
with armexec.compile(SOURCE, "c", time_limit=100) as module:
    assert module.half.ctypes(3.0) == 1.5
with armexec.compile(SOURCE, "c", sandbox=True) as module:
    assert module.load([7]) == 7
with armexec.compile(SOURCE, "c", isolate="process", sandbox=True) as module:
    assert module.apply(lambda n: n, 1) == 2
space = armexec.AddressSpace()
space.map(0x4000_0000, 0x1000, "rx", data=armexec.assemble("1: subs x0, x0, #1\nb.ne 1b\nsvc #0").bytes)
cpu = armexec.Cpu(space)
cpu.pc, cpu.x[0] = 0x4000_0000, 1000
cpu.run()
assert armexec.run("int main(int argc, char **argv) { return argc; }", ["a"], language="c").status == 2
print("done")
"""
_CALL = re.compile(r"\b(mmap|mprotect|pkey_mprotect|shmat)\(")


@pytest.mark.slow
def test_nothing_asks_for_memory_that_is_writable_and_executable(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=mmap,mprotect,pkey_mprotect,shmat"]
    command += [sys.executable, "-c", EVERYTHING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
    if "ptrace" in done.stderr and not trace.exists():
        pytest.skip(f"strace can't trace here: {done.stderr.strip()[-200:]}")
    assert done.stdout == "done\n", done.stderr[-3000:]
    calls = [line for line in trace.read_text().splitlines() if _CALL.search(line)]
    assert sum("PROT_EXEC" in line for line in calls) > 10
    assert sum("PROT_WRITE" in line for line in calls) > 100
    assert not [line for line in calls if "PROT_WRITE" in line and "PROT_EXEC" in line]
