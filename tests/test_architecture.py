"""Who may import whom, and what `import armexec` must not bring along."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import armexec

ROOT = Path(armexec.__file__).parent

# A room may import what stands in its row, and itself. What only names types (under TYPE_CHECKING) counts too.
MAY_IMPORT = {
    "errors": set(),
    "files": {"errors"},
    "forks": set(),
    "lines": set(),
    "package_identity": set(),
    "store": set(),
    "words": {"isa", "errors"},
    "isa": set(),
    "memory": {"errors", "forks"},
    "objects": {"errors", "files", "package_identity", "store"},
    "toolchain": {"errors", "store"},
    "asm": {"isa", "errors", "disasm", "lines"},
    "disasm": {"isa", "words", "errors", "lines"},
    "machines": {"isa", "errors", "memory"},
    "translate": {"machines", "disasm", "isa", "errors", "forks", "memory", "package_identity", "store"},
    "abi": {"objects", "memory", "errors"},
    "engines": {
        "forks",
        "translate",
        "machines",
        "isa",
        "memory",
        "objects",
        "abi",
        "errors",
        "disasm",
        "store",
        "compiler_rt",
        "profiling",
    },
    "sources": {"asm", "disasm", "objects", "toolchain", "words", "errors", "files"},
    "compiler_rt": {"asm", "objects", "toolchain"},  # its code is made beforehand
    "module": {
        "forks",
        "engines",
        "compiler_rt",
        "disasm",
        "abi",
        "memory",
        "objects",
        "toolchain",
        "errors",
        "own_names",
        "lines",
    },
    "api": {"module", "sources", "engines", "asm", "objects", "errors"},
    "own_names": {"errors", "lines"},
    "profiling": {"translate", "objects", "errors", "forks"},
    # It measures all the others, and nothing but its command knows of it.
    "bench": {"module", "engines", "compiler_rt", "asm", "disasm", "objects", "toolchain", "errors"},
    "": {"api", "forks", "asm", "disasm", "errors", "module", "profiling"},
    "__main__": {"cli"},
}
HEAVY = {
    "click",
    "elftools",
    "itanium_demangler",
    "lief",
    "llvmlite",
    "matplotlib",
    "numpy",
    "pycparser",
    "rich",
    "ziglang",
}


def _rooms() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ("" if parts == ("__init__",) else parts[0]), path


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """The modules a file imports, anywhere in it, by their full names."""
    package = ("armexec", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            name = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            yield name, node.lineno
            for alias in node.names:
                yield f"{name}.{alias.name}", node.lineno


def test_imports_only_go_down() -> None:
    wrong = []
    for room, path in _rooms():
        if room == "cli":
            continue
        for name, line in _imports(path):
            parts = name.split(".")
            if parts[0] != "armexec" or len(parts) < 2 or not (ROOT / parts[1]).with_suffix("").exists():
                known = len(parts) > 1 and parts[0] == "armexec" and (ROOT / f"{parts[1]}.py").exists()
                if not known:
                    continue
            if parts[1] != room and parts[1] not in MAY_IMPORT[room]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {room or 'armexec'} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_rule() -> None:
    rooms = {room for room, _ in _rooms()}
    assert rooms - {"cli"} == set(MAY_IMPORT)


def test_only_the_tests_import_the_oracles() -> None:
    for _, path in _rooms():
        for name, line in _imports(path):
            assert name.split(".")[0] not in {"unicorn", "keystone", "capstone"}, f"{path}:{line}"


@pytest.mark.parametrize(
    "statement", ["import armexec", "import armexec; armexec.Error", "import armexec; dir(armexec)"]
)
def test_importing_brings_nothing_along(statement: str) -> None:
    script = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    brought = {name.split(".")[0] for name in done.stdout.split()}
    assert not brought & HEAVY
    assert "armexec.isa" not in done.stdout.split()


def test_the_public_names_are_there() -> None:
    for name in armexec.__all__:
        assert getattr(armexec, name) is not None
    assert set(armexec.__all__) <= set(dir(armexec))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        armexec.nothing_like_it  # noqa: B018
