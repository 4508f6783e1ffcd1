"""The Linux program made of an image is a valid ELF file, and answers."""

from __future__ import annotations

import io
import shutil

import pytest
from elftools.elf.elffile import ELFFile

from armexec.bench.arm_image import arm_image, entry
from armexec.bench.contenders.program import make_program
from armexec.bench.contenders.qemu import Qemu
from armexec.bench.kernels import KERNELS
from armexec.errors import Error


def test_the_program_is_elf() -> None:
    image = arm_image(KERNELS["sieve"])
    file = ELFFile(io.BytesIO(make_program(image, entry(image)[0])))
    assert (file["e_type"], file["e_machine"]) == ("ET_EXEC", "EM_AARCH64")
    segments = list(file.iter_segments())
    assert len(segments) == 1 + len(image.segments)
    for segment in segments:
        assert segment["p_offset"] % segment["p_align"] == segment["p_vaddr"] % segment["p_align"]
        assert segment["p_flags"] & 3 != 3  # never writable and executable
    assert segments[0]["p_vaddr"] == file["e_entry"]
    assert sum(segment["p_memsz"] for segment in segments) > 1 << 22  # the sieve, which isn't in the file
    assert sum(segment["p_filesz"] for segment in segments) < 1 << 16


@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="qemu-aarch64 isn't installed")
def test_a_program_that_ends_is_an_error() -> None:
    with Qemu().start(KERNELS["fib"]) as runner:
        assert runner.run(10).result == 55
        runner._process.kill()
        with pytest.raises(Error, match="ended with status -9"):
            runner.run(10)
