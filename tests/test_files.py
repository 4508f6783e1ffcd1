"""Files are read whole, and only if that comes to an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from armexec.errors import LoadError
from armexec.files import read_file


def test_bytes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\0\xff")
    assert read_file(path) == read_file(str(path)) == b"\0\xff"


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="missing: No such file or directory"):
        read_file(tmp_path / "missing")
    with pytest.raises(LoadError, match=": a directory"):
        read_file(tmp_path)
    with pytest.raises(LoadError, match="null"):
        read_file("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LoadError, match="pipe: not a regular file"):
        read_file(tmp_path / "pipe")
