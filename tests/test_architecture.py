"""Who may import whom, and what `import armexec` must not bring along."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import armexec

ROOT = Path(armexec.__file__).parent

# A room may import what stands in its row, and itself. What only names types (under TYPE_CHECKING) counts too.
MAY_IMPORT = {
    "backtraces": set(),
    "errors": {"backtraces"},
    "files": {"errors"},
    "resource_limits": {"errors", "forks"},
    "forks": set(),
    "html": set(),
    "lines": set(),
    "notebooks": {"api", "debugger", "errors", "explorer", "html", "module"},
    "package_identity": set(),
    "progress": set(),
    "store": set(),
    "words": {"isa", "errors"},
    "isa": set(),
    "cpu": {"errors"},
    "space": {"compiler_rt", "engines", "cpu", "memory", "objects", "errors", "files"},
    "memory": {"errors", "forks"},
    "objects": {"errors", "files", "package_identity", "store", "isa"},
    "toolchain": {"errors", "store"},
    "asm": {"isa", "errors", "disasm", "html", "lines"},
    "disasm": {"isa", "words", "errors", "html", "lines"},
    "machines": {"cpu", "isa", "errors", "forks", "memory"},
    "callbacks": {"cpu", "errors", "forks", "memory"},
    "c_functions": {"abi", "engines", "errors", "forks", "objects", "translate"},
    "translate": {
        "callbacks",
        "resource_limits",
        "machines",
        "cpu",
        "disasm",
        "isa",
        "errors",
        "forks",
        "memory",
        "objects",
        "package_identity",
        "store",
    },
    "abi": {"cpu", "objects", "memory", "errors", "forks"},
    "engines": {
        "backtraces",
        "callbacks",
        "resource_limits",
        "cpu",
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
    "arrays": {
        "abi",
        "asm",
        "cpu",
        "resource_limits",
        "engines",
        "errors",
        "memory",
        "objects",
        "progress",
        "translate",
    },
    "sources": {"asm", "disasm", "objects", "toolchain", "words", "errors", "files"},
    "libraries": {"asm", "compiler_rt", "objects", "progress", "toolchain", "store", "errors"},
    "program": {
        "forks",
        "callbacks",
        "resource_limits",
        "compiler_rt",
        "cpu",
        "engines",
        "libraries",
        "machines",
        "memory",
        "objects",
        "sources",
        "errors",
    },
    "compiler_rt": {"asm", "objects", "toolchain"},  # its code is made beforehand
    "module": {
        "arrays",
        "c_functions",
        "callbacks",
        "cpu",
        "forks",
        "engines",
        "compiler_rt",
        "disasm",
        "abi",
        "memory",
        "libraries",
        "objects",
        "program",
        "toolchain",
        "errors",
        "html",
        "own_names",
        "lines",
        "resource_limits",
    },
    "isolation": {
        "backtraces",
        "cpu",
        "abi",
        "arrays",
        "c_functions",
        "compiler_rt",
        "resource_limits",
        "engines",
        "errors",
        "forks",
        "isa",
        "libraries",
        "memory",
        "module",
        "objects",
        "own_names",
        "program",
        "translate",
    },
    "programs": {"isolation", "program", "objects", "resource_limits", "errors"},
    "debugger": {
        "callbacks",
        "cpu",
        "disasm",
        "engines",
        "errors",
        "resource_limits",
        "isa",
        "machines",
        "memory",
        "module",
        "objects",
        "program",
        "space",
        "translate",
    },
    "explorer": {
        "",
        "asm",
        "cpu",
        "debugger",
        "disasm",
        "errors",
        "files",
        "isa",
        "isolation",
        "module",
        "objects",
        "program",
        "programs",
        "resource_limits",
        "sources",
        "store",
        "testing",
        "toolchain",
        "words",
    },
    # It is the explorer's processes with other answers.
    "mcp_server": {
        "",
        "cpu",
        "debugger",
        "disasm",
        "engines",
        "errors",
        "explorer",
        "isa",
        "isolation",
        "module",
        "objects",
        "programs",
        "resource_limits",
        "sources",
        "store",
        "toolchain",
        "tracing",
        "words",
    },
    "tracing": {
        "cpu",
        "debugger",
        "disasm",
        "engines",
        "errors",
        "files",
        "html",
        "isa",
        "memory",
        "objects",
        "space",
        "translate",
    },
    "testing": {"abi", "debugger", "disasm", "errors", "isa", "memory", "module", "objects"},
    "pytest_plugin": {"engines", "errors", "testing"},
    "api": {"isolation", "module", "sources", "engines", "asm", "objects", "errors", "files"},
    "own_names": {"errors", "lines"},
    "profiling": {"translate", "objects", "errors", "forks", "html"},
    # It measures all the others, and nothing but its command knows of it.
    "bench": {
        "debugger",
        "tracing",
        "module",
        "engines",
        "compiler_rt",
        "asm",
        "disasm",
        "objects",
        "toolchain",
        "errors",
    },
    "": {
        "abi",
        "api",
        "forks",
        "resource_limits",
        "asm",
        "cpu",
        "debugger",
        "tracing",
        "disasm",
        "errors",
        "module",
        "notebooks",
        "profiling",
        "program",
        "programs",
        "space",
    },
    "__main__": {"cli"},
}
# Circles of files within these rooms are still accepted.
EXCEPTED_CIRCLES: dict[str, str] = {}
# Folders that may still have more files than MOST_FILES.
EXCEPTED_FOLDERS: dict[str, str] = {}
MOST_FILES = 16
HEAVY = {
    "IPython",
    "anywidget",
    "click",
    "elftools",
    "itanium_demangler",
    "lief",
    "llvmlite",
    "matplotlib",
    "mcp",
    "numpy",
    "pycparser",
    "pydantic",
    "rich",
    "starlette",
    "uvicorn",
    "websockets",
    "ziglang",
}


def _rooms() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ("" if parts == ("__init__",) else parts[0]), path


@cache
def _imports(path: Path) -> tuple[tuple[str, str, int], ...]:
    """The imports of a file, anywhere in it: the module's full name, the name out of it or "", and the line."""
    return tuple(_found_imports(path))


def _found_imports(path: Path) -> Iterator[tuple[str, str, int]]:
    package = ("armexec", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            for alias in node.names:
                yield module, alias.name, node.lineno


def test_imports_only_go_down() -> None:
    wrong = []
    for room, path in _rooms():
        if room == "cli":
            continue
        for module, name, line in _imports(path):
            parts = [*module.split("."), *name.split(".")]
            is_room = (ROOT / parts[1]).is_dir() or (ROOT / f"{parts[1]}.py").exists()
            if parts[0] == "armexec" and parts[1] and is_room and parts[1] not in (room, *MAY_IMPORT[room]):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {room or 'armexec'} imports {'.'.join(parts)}")
    assert not wrong, "\n".join(wrong)


def _module(path: Path) -> str:
    """The full name of a file's module; a package is its `__init__`."""
    parts = ("armexec", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _file_graph() -> dict[str, set[str]]:
    """The modules that each module imports. A name out of a package is an import of the package's `__init__`."""
    modules = {_module(path): path for _, path in _rooms()}
    graph: dict[str, set[str]] = {}
    for importer, path in modules.items():
        found = {f"{module}.{name}" if f"{module}.{name}" in modules else module for module, name, _ in _imports(path)}
        graph[importer] = found & modules.keys() - {importer}
    return graph


def _circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one node (Tarjan)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in graph[node]:
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in order:
            visit(node)
    return found


def test_circles_are_found() -> None:
    graph = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": {"e"}, "e": set(), "f": {"a"}}
    assert _circles(graph) == [["a", "b", "c"]]
    assert _circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    # Imports within functions and those of types count, and so does a package that names its files.
    graph = _file_graph()
    assert "armexec.toolchain" in graph["armexec.sources.source"]
    assert "armexec.objects.prototypes" in graph["armexec.objects"]
    assert "armexec.objects.debug_info.source_line" in graph["armexec.objects.image"]


def test_files_import_each_other_in_no_circle() -> None:
    wrong = []
    rooms_with_circles = set()
    for circle in _circles(_file_graph()):
        rooms = {module.split(".")[1] for module in circle}
        if len(rooms) == 1 and rooms <= EXCEPTED_CIRCLES.keys():
            rooms_with_circles |= rooms
        else:
            wrong.append(" <-> ".join(circle))
    assert not wrong, "\n".join(wrong)
    assert rooms_with_circles == EXCEPTED_CIRCLES.keys(), "these have no circles any more: remove them from the list"


def test_folders_are_small() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for _, path in _rooms())
    large = {folder for folder, count in counts.items() if count > MOST_FILES}
    assert large - EXCEPTED_FOLDERS.keys() == set()
    assert large == EXCEPTED_FOLDERS.keys(), "these are small enough: remove them from the list"


def test_every_room_has_its_rule() -> None:
    rooms = {room for room, _ in _rooms()}
    assert rooms - {"cli"} == set(MAY_IMPORT)


def test_only_the_tests_import_the_oracles() -> None:
    for _, path in _rooms():
        for module, _, line in _imports(path):
            assert module.split(".")[0] not in {"unicorn", "keystone", "capstone"}, f"{path}:{line}"


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
