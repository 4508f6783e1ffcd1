"""Included files that aren't files: an error about them at once, before a compiler reads them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from armexec import CompileError
from armexec.toolchain import compile_object
from armexec.toolchain.inclusions import include_folders


def refused(source: str, **named: object) -> CompileError:
    with pytest.raises(CompileError) as caught:
        compile_object(source, language="c", **named)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ('#include "/dev/zero"\n', 1, 11),
        ("int x;\n # include </dev/zero>\n", 2, 13),
        ('#include_next "/dev/zero"\n', 1, 16),
        ('char a[] = {\n#embed "/dev/zero"\n};', 2, 9),
        ('asm(".incbin \\"/dev/zero\\"");', 1, 16),
        ('asm("nop; .include \\"/dev/zero\\"");', 1, 22),
    ],
)
def test_devices(source: str, line: int, column: int) -> None:
    error = refused(source, filename="x.c")
    assert str(error) == f"x.c:{line}:{column}: '/dev/zero' is not a regular file: it can't be included"
    assert (error.file, error.line, error.column) == ("x.c", line, column)


def test_pipes_and_files_without_end_also_in_headers(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.h")
    with (tmp_path / "large.h").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "outer.h").write_text('#include "inner.h"\n')
    (tmp_path / "inner.h").write_text('int y;\n#include "fifo.h"\n#include "outer.h"\n')
    source = str(tmp_path / "x.c")
    assert f"{tmp_path}/fifo.h' is not a regular file" in str(refused('#include "fifo.h"', filename=source))
    assert "has 1099511627776 bytes" in str(refused('#include "large.h"', filename=source))
    assert "fifo.h" in str(refused("#include <fifo.h>", flags=[f"-I{tmp_path}"]))
    assert "fifo.h" in str(refused("#include <fifo.h>", flags=["-isystem", str(tmp_path)]))
    error = refused('#include "outer.h"', filename=source)
    assert (error.file, error.line) == (str(tmp_path / "inner.h"), 2)


def test_what_is_no_device_is_left_to_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text('#include "a.h"\n')
    assert "file not found" in str(refused('#include "/"'))
    assert "file not found" in str(refused('#include "nosuch.h"'))
    assert "nested too deeply" in str(refused('#include "a.h"', filename=str(tmp_path / "x.c")))
    source = 'const char *f(void) { return "#include \\"/dev/zero\\""; } // #include "/dev/zero"\n'
    assert compile_object(source, language="c").data


def test_a_kept_result_whose_header_became_a_pipe_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(tmp_path / "cache"))
    header = tmp_path / "a.h"
    header.write_text("int x;\n")
    os.utime(header, (1, 1))
    source, name = '#include "a.h"\n', str(tmp_path / "x.c")
    assert not compile_object(source, language="c", filename=name).cached
    assert compile_object(source, language="c", filename=name).cached
    header.unlink()
    os.mkfifo(header)
    assert "not a regular file" in str(refused(source, filename=name))


def test_folders_of_options() -> None:
    assert include_folders(["-Ia", "-O2", "-I", "b", "-isystem", "c", "-iquoted", "-DX"]) == ["a", "b", "c", "d"]
