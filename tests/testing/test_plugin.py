"""pytest's plugin: guarded calls, the calling convention, golden words, coverage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]

SUM = """
int sum(const int *p, int n) {
    int s = 0;
    for (int i = 0; i < n; i++)
        s += p[i];
    return s;
}
int too_far(const int *p, int n) {
    return p[n];
}
void fill(int *p, int n) {
    for (int i = 0; i < n; i++)
        p[i] = i;
}
int never(void) {
    return 7;
}
"""

HEAD = f"""
import armexec
import pytest
mod = armexec.compile('''{SUM}''', language="c")
def code(text):
    return armexec.function(armexec.assemble(text), "long(long)")
"""


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported() -> None:
    """What a test of the tests imports first is forgotten after it, and imported once more: its classes are others."""
    import armexec.testing.coverage
    import armexec.testing.golden

    with armexec.compile(SUM, language="c") as mod:
        armexec.testing.check_convention(mod.sum, [1], 1)
        armexec.testing.call(mod.too_far, [1, 2], 1).result.__str__()
        with pytest.raises(armexec.MemoryFault):
            armexec.testing.call(mod.too_far, [1], 1)


def _run(pytester: Any, text: str, *arguments: str) -> Any:
    pytester.makepyfile(HEAD + text)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def test_guest(pytester: Any) -> None:
    done = _run(
        pytester,
        """
import numpy as np
def test_result(guest):
    made = guest(mod.sum, [1, 2, 3], 3)
    assert made.result == 6
    assert made.instructions == guest(mod.sum, np.array([1, 2, 3], np.int32), 3).instructions
    assert all(isinstance(write.address, int) for write in made.writes)

def test_writes(guest):
    values = np.zeros(3, np.int32)
    made = guest(mod.fill, values, 3)
    assert values.tolist() == [0, 1, 2]
    stored = [int.from_bytes(w.new, "little") for w in made.writes if len(w.new) == 4]
    assert [n for n in (0, 1, 2) if n in stored] == [0, 1, 2]
    plain = [9, 9]
    guest(mod.fill, plain, 2, guard="begin")
    assert plain == [0, 1]

def test_past_the_end(guest):
    with pytest.raises(armexec.MemoryFault) as caught:
        guest(mod.too_far, [1, 2, 3], 3)
    assert caught.value.source.endswith(":9")
    with pytest.raises(armexec.MemoryFault):
        guest(mod.too_far, [1, 2, 3], -1, guard="begin")
    assert guest(mod.too_far, [1, 2, 3], 2).result == 3

def test_wrong(guest):
    with pytest.raises(armexec.Error):
        guest(print)
    with pytest.raises(armexec.SignatureError):
        guest(mod.sum, [1], 1, guard="middle")
""",
    )
    done.assert_outcomes(passed=4)


def test_abi(pytester: Any) -> None:
    done = _run(
        pytester,
        """
def test_good(abi):
    assert abi(mod.sum, [1, 2, 3], 3).result == 6
def test_x19(abi):
    abi(code("mov x19, #5; ret"), 1)
def test_v8(abi):
    abi(code("fmov d8, #1.0; ret"), 1)
def test_zeros_of_the_caller_are_no_excuse(abi):
    abi(code("mov x20, #0; movi v9.2d, #0; ret"), 1)
def test_red_zone(abi):
    abi(code("str x0, [sp, #-8]; ret"), 1)
def test_stack_pointer(abi):
    abi(code("sub sp, sp, #16; ret"), 1)
def test_fpcr(abi):
    abi(code("mov x1, #0x1000000; msr fpcr, x1; ret"), 1)
def test_pushes_are_fine(abi):
    abi(code("stp x29, x30, [sp, #-16]!; ldp x29, x30, [sp], #16; ret"), 1)
def test_v8_is_kept_in_its_low_half(abi):
    abi(code("str d8, [sp, #-16]!; fmov d8, #1.0; ldr d8, [sp], #16; ret"), 1)
""",
    )
    done.assert_outcomes(passed=3, failed=6)
    out = done.stdout.str()
    assert "x19 isn't preserved: it was 0xca11e60000000019, and is 0x5 at the return" in out
    assert "mov x19, #5" in out
    assert "the low half of v8 isn't preserved" in out
    assert "it writes below SP: 8 bytes below" in out
    assert "sp isn't preserved" in out
    assert "x20 isn't preserved" in out
    assert "the low half of v9 isn't preserved" in out
    assert "fpcr isn't preserved" in out
    assert "convention.py" not in out


def test_apple(pytester: Any) -> None:
    done = _run(
        pytester,
        """
def apple(text):
    lines = "".join(f'__asm__("{line}");' for line in text.split("; "))
    return armexec.compile("__attribute__((naked)) long f(void) {" + lines + "}", language="c", target="apple").f
def test_red_zone(abi):
    abi(apple("str x0, [sp, #-8]; ret"))
def test_below_it(abi):
    abi(apple("str x0, [sp, #-136]; ret"))
def test_x18(abi):
    abi(apple("mov x18, #1; ret"))
""",
    )
    done.assert_outcomes(passed=1, failed=2)
    out = done.stdout.str()
    assert "more than 128 bytes below SP" in out
    assert "X18 is the system's" in out


def test_golden_words(pytester: Any) -> None:
    text = """
def test_code(golden_words):
    golden_words(armexec.assemble("add x0, x0, #%d; ret"))
    golden_words([0xD503201F], "nop")
"""
    _run(pytester, text % 1).assert_outcomes(failed=1)
    _run(pytester, text % 1, "--armexec-update-words").assert_outcomes(passed=1)
    _run(pytester, text % 1).assert_outcomes(passed=1)
    done = _run(pytester, text % 2)
    done.assert_outcomes(failed=1)
    out = done.stdout.str()
    assert "-91000400  add x0, x0, #1" in out
    assert "+91000800  add x0, x0, #2" in out
    assert "--armexec-update-words accepts" in out


def test_engines_and_targets(pytester: Any) -> None:
    text = """
@pytest.mark.armexec(engines=["translated", "reference"], targets=["linux", "apple"])
def test_each(armexec_engine, armexec_target):
    f = armexec.compile("int f(int x) { return x + 1; }", language="c", engine=armexec_engine, target=armexec_target).f
    assert f(1) == 2
def test_available(armexec_engine):
    assert armexec_engine in ("native", "translated", "reference")
"""
    _run(pytester, text, "--strict-markers").assert_outcomes(passed=4 + len(_engines()))
    _run(pytester, text, "--armexec-engine=reference").assert_outcomes(passed=3)


def _engines() -> list[str]:
    from engines import AVAILABLE

    return list(AVAILABLE)


def test_coverage(pytester: Any, tmp_path: Path) -> None:
    path = tmp_path / "lines.info"
    _run(
        pytester,
        "def test_sum(guest):\n    guest(mod.sum, [1, 2, 3], 3)\n",
        f"--armexec-coverage={path}",
    ).assert_outcomes(passed=1)
    lines = path.read_text().splitlines()
    counts = dict(line[3:].split(",") for line in lines if line.startswith("DA:"))
    assert int(counts["5"]) > 0
    assert counts["16"] == "0"
    assert f"LF:{len(counts)}" in lines


def test_the_plugin_imports_nothing() -> None:
    text = (
        "import sys, armexec.pytest_plugin\n"
        "print(sorted(n for n in sys.modules if n.startswith('armexec.') and n != 'armexec.pytest_plugin'))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
