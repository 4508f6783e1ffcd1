"""Shell completion, as the shells ask for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.program import armexec

ASKED = [
    ("ru", "run"),
    ("compile x.c --targ", "--target"),
    ("run x.c --engine tr", "translated"),
    ("run x.c -O ", "fast"),
    ("isa fmad", "fmadd"),
    ("cache cl", "clear"),
    ("completion f", "fish"),
    ("bench nbo", "nbody"),
]


def completed(shell: str, words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a shell is answered."""
    monkeypatch.setenv("_ARMEXEC_COMPLETE", f"{shell}_complete")
    line = f"armexec {words}"
    last = len(line.split()) - 1 + line.endswith(" ")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", line.rpartition(" ")[2] if shell == "fish" else str(last))
    done = armexec()
    assert (done.status, done.err) == (0, "")
    return done.out.splitlines()


@pytest.mark.parametrize(("words", "expected"), ASKED)
def test_every_shell_is_answered(words: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"plain,{expected}" in completed("bash", words, monkeypatch)
    assert expected in completed("zsh", words, monkeypatch)
    assert any(
        line == f"plain,{expected}" or line.startswith(f"plain,{expected}\t") or line.endswith(expected)
        for line in completed("fish", words, monkeypatch)
    )


def test_files_are_left_to_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("run ", "compile x.c -o ", "asm exam"):
        assert completed("bash", words, monkeypatch)[0].startswith("file,")


def test_the_shell_is_known_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert armexec("completion").out.startswith("#compdef armexec")
    monkeypatch.setenv("SHELL", "/bin/csh")
    refused = armexec("completion")
    assert (refused.status, refused.out) == (2, "")
    assert "bash, zsh, fish" in refused.err
    monkeypatch.setenv("_ARMEXEC_COMPLETE", "nonsense")
    assert armexec().status == 2


SCRIPTS = {
    "bash": 'COMP_WORDS=(armexec ru); COMP_CWORD=1; _armexec_completion armexec; echo "${COMPREPLY[@]}"',
    "zsh": "words=(armexec ru); CURRENT=2; _describe() { print -l $completions_with_descriptions; };"
    " compdef() { :; }; _armexec_completion",
    "fish": "complete -C 'armexec ru'",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_works_in_the_shell(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} isn't installed")
    script = armexec("completion", shell).out
    if shell == "zsh":
        script = "compdef() { :; }\n" + script
    command = tmp_path / "armexec"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m armexec "$@"\n')
    command.chmod(0o755)
    (tmp_path / "script").write_text(f'PATH="{tmp_path}:$PATH"\n{script}\n{SCRIPTS[shell]}\n')
    if shell == "fish":
        (tmp_path / "script").write_text(f'set -p PATH "{tmp_path}"\n{script}\n{SCRIPTS[shell]}\n')
    done = subprocess.run([program, str(tmp_path / "script")], check=False, capture_output=True, text=True, timeout=120)
    assert "run" in done.stdout.split()[0], done.stderr
