"""The models themselves refuse what the kernels' documentation says they refuse."""

from __future__ import annotations

import pytest

from armexec.memory import Protection

from .kernels import DarwinModel, LinuxModel, ModelKernel, Violation

NONE, READ, WRITE, EXECUTE = Protection.NONE, Protection.READ, Protection.WRITE, Protection.EXECUTE
ANON, JIT, PRIVATE, SHARED, FIXED = 0x1000, 0x800, 2, 1, 0x10
LINUX_ANON = 0x20


@pytest.mark.parametrize("flags", [JIT | ANON | PRIVATE | FIXED, JIT | ANON | SHARED])
def test_darwin_refuses_map_jit_that_is_fixed_or_shared(flags: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        DarwinModel().mmap(0x4000, 16384, READ | WRITE, flags)


def test_darwin_refuses_write_and_execute_without_map_jit() -> None:
    kernel = DarwinModel()
    with pytest.raises(OSError, match="Permission denied"):
        kernel.mmap(0, 16384, READ | WRITE | EXECUTE, ANON | PRIVATE)
    address = kernel.mmap(0, 16384, READ | WRITE, ANON | PRIVATE)
    with pytest.raises(OSError, match="Permission denied"):
        kernel.mprotect(address, 16384, READ | WRITE | EXECUTE)


def test_darwin_refuses_to_protect_a_toggled_region_again() -> None:
    kernel = DarwinModel()
    address = kernel.mmap(0, 16384, READ | WRITE | EXECUTE, JIT | ANON | PRIVATE)
    with pytest.raises(OSError, match="Permission denied"):
        kernel.mprotect(address, 16384, READ | EXECUTE)


def test_darwin_toggles_each_thread_by_itself() -> None:
    kernel = DarwinModel()
    address = kernel.mmap(0, 16384, READ | WRITE | EXECUTE, JIT | ANON | PRIVATE)
    with pytest.raises(Violation):
        kernel.copy_in(address, b"code")  # threads start executable
    kernel.jit_write_protect(False)
    kernel.copy_in(address, b"code")
    kernel.clear_cache(address, 4)
    with pytest.raises(Violation):
        kernel.fetch(address, 4)
    kernel.thread = "other"
    assert kernel.fetch(address, 4) == b"code"
    with pytest.raises(Violation):
        kernel.copy_in(address, b"code")


def test_linux_mdwe_refuses_to_add_execution() -> None:
    kernel = LinuxModel(mdwe=True)
    address = kernel.mmap(0, 4096, READ | WRITE, LINUX_ANON | PRIVATE)
    with pytest.raises(OSError, match="Permission denied"):
        kernel.mprotect(address, 4096, READ | EXECUTE)
    with pytest.raises(OSError, match="Permission denied"):
        kernel.mmap(0, 4096, READ | WRITE | EXECUTE, LINUX_ANON | PRIVATE)


@pytest.mark.parametrize("kernel", [LinuxModel(), DarwinModel()], ids=lambda k: k.system)
def test_forgetting_the_instruction_cache_is_found(kernel: ModelKernel) -> None:
    anonymous = LINUX_ANON if kernel.system == "linux" else ANON
    address = kernel.mmap(0, kernel.page_size, READ | WRITE, anonymous | PRIVATE)
    kernel.copy_in(address, b"code")
    with pytest.raises(Violation, match="before the cache was invalidated"):
        kernel.mprotect(address, kernel.page_size, READ | EXECUTE)


def test_two_mappings_of_one_page_can_break_the_rule_together() -> None:
    kernel = LinuxModel()
    fd = kernel.memfd_create("test")
    kernel.ftruncate(fd, 4096)
    view = kernel.mmap(0, 4096, READ | WRITE, SHARED, fd)
    kernel.clear_cache(view, 4096)
    with pytest.raises(Violation, match="writable and executable"):
        kernel.mmap(0, 4096, READ | EXECUTE, SHARED, fd)
