"""What makes LLVM call `abort` is an error, and the process goes on."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import armexec
from armexec.translate.codegen.llvm import compile_object, host_machine
from armexec.translate.codegen.support_code import compiled

FUNCTION = "define i64 @f(i64 %x) {\n%y = add i64 %x, 5\nret i64 %y\n}"
# Another processor's instruction, which can't be selected for this one.
OTHER = "llvm.x86.sse42.crc32.32.8" if host_machine() in ("aarch64", "arm64") else "llvm.aarch64.crc32b"
IMPOSSIBLE = f"""
declare i32 @{OTHER}(i32, i{8 if "x86" in OTHER else 32})
define i32 @f(i32 %x) {{
%y = call i32 @{OTHER}(i32 %x, i{8 if "x86" in OTHER else 32} 3)
ret i32 %y
}}"""
IN_A_PROCESS = """
import ctypes, faulthandler, sys
if "before" in sys.argv: faulthandler.enable()
from armexec.translate.codegen.llvm import compile_object
import armexec
for _ in range(3):
    try:
        compile_object(sys.argv[1], tier="O1")
    except armexec.HostError as error:
        print(error)
if "after" in sys.argv: faulthandler.enable()
print(armexec.function("add w0, w0, w0; ret", "int(int)", engine="translated")(4), flush=True)
if "die" in sys.argv: ctypes.CDLL(None).abort()
"""


@pytest.mark.parametrize("tier", ["O0", "O2"])
def test_it_is_an_error(tier: str) -> None:
    for _ in range(5):
        with pytest.raises(armexec.HostError, match="LLVM gives up"):
            compile_object(IMPOSSIBLE, tier=tier)
        assert compiled(FUNCTION, {}, tier=tier).address("f")


def test_in_threads_at_once() -> None:
    found = []

    def work() -> None:
        for _ in range(5):
            with pytest.raises(armexec.HostError, match="LLVM gives up"):
                compile_object(IMPOSSIBLE, tier="O0")
            found.append(len(compile_object(FUNCTION, tier="O0")))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) == 1


@pytest.mark.parametrize("words", [[], ["before"], ["after"], ["before", "after"]], ids="-".join)
@pytest.mark.parametrize("dies", [False, True])
def test_other_handlers_of_aborts(words: list[str], dies: bool) -> None:
    command = [sys.executable, "-c", IN_A_PROCESS, IMPOSSIBLE, *words, *(["die"] if dies else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.count("LLVM gives up") == 3
    assert done.stdout.endswith("8\n")
    # What isn't LLVM's ends the process, and faulthandler has its say.
    assert done.returncode == (-6 if dies else 0), done.stderr
    assert ("Fatal Python error: Aborted" in done.stderr) == (dies and bool(words))
