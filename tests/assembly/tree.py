"""Files of assembly held against both other assemblers: the words, data, relocations and symbols of what they make."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.asm import against_clang

import armexec
from armexec.asm import assemble
from armexec.toolchain import compile_assembly, compile_object

from .compare import differences

__all__ = ["ASSEMBLERS", "Outcome", "check", "files_below"]

GAS = shutil.which("aarch64-linux-gnu-as") or ""
ASSEMBLERS = ("clang", *(["gas"] if GAS else []))
MACHINE = "-march=armv8.6-a+crypto+fp16"
_APPLE = re.compile(
    r"^[ \t]*\.(?:build_version|subsections_via_symbols|section[ \t]+__[A-Z])|@(?:GOT)?PAGE", re.MULTILINE
)


@dataclass
class Outcome:
    """One file: why armexec refuses it ("" if it doesn't), and the differences from each assembler's object.

    `refused` are the messages of assemblers that refuse it; an assembler in neither isn't asked.
    """

    refusal: str = ""
    crashed: bool = False
    found: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether armexec does what at least one assembler does, or refuses what all refuse."""
        if self.crashed:
            return False
        if self.refusal or not self.found:
            return not self.found
        return any(not differences for differences in self.found.values())

    @property
    def word(self) -> str:
        """The outcome in a word or two."""
        if self.crashed:
            return "crashes"
        if not self.found:
            return "refused by all" if self.refusal else "only armexec"
        if self.refusal:
            return "refused"
        return "same" if self.good else "differs"


def files_below(folder: Path) -> list[Path]:
    """The files of assembly in a folder and all below it."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".s", ".S", ".asm") and path.is_file())


def check(path: Path, flags: tuple[str, ...] = (), assemblers: tuple[str, ...] = ASSEMBLERS) -> Outcome:
    """Assemble one file with armexec and the others; .S goes through the preprocessor first, once for all."""
    outcome = Outcome()
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".S":
            text = compile_assembly(text, language="assembler", target="linux", flags=flags, filename=str(path))
    except (armexec.Error, UnicodeDecodeError, OSError) as error:
        outcome.refusal = str(error)
        return outcome
    apple = _APPLE.search(text) is not None
    ours = b""
    try:
        ours = assemble(text, file=str(path)).object()
    except armexec.Error as error:
        outcome.refusal = str(error)
    except Exception as error:
        outcome.refusal, outcome.crashed = f"{type(error).__name__}: {error}", True
    for who in assemblers:
        if apple and who == "gas":
            continue
        try:
            theirs = _assembled(text, path, who, apple, flags)
        except (armexec.CompileError, subprocess.SubprocessError) as error:
            outcome.refused[who] = str(getattr(error, "stderr", "") or error)
            continue
        if outcome.refusal:
            outcome.found[who] = []
        elif apple:
            outcome.found[who] = list(against_clang.differences(text, theirs))
        else:
            outcome.found[who] = list(differences(ours, theirs))
    return outcome


def _assembled(text: str, path: Path, who: str, apple: bool, flags: tuple[str, ...]) -> bytes:
    if who == "clang":
        target = "apple" if apple else "linux"
        machine = (MACHINE, f"-I{path.parent}", *flags)
        return compile_object(text, language="assembler", target=target, flags=machine).data
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "x.o"
        command = [GAS, MACHINE, f"-I{path.parent}", "-o", str(made), "-"]
        subprocess.run(command, input=text, text=True, capture_output=True, check=True, timeout=60)
        return made.read_bytes()
