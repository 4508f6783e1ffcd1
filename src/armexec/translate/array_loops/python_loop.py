"""The loop that has Python go through the elements."""

from __future__ import annotations

from functools import cache

from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.support.host_environment import environment_text, flags_text
from armexec.translate.support.load import load

__all__ = ["python_loop", "python_loop_text"]


def python_loop_text(machine: str | None = None) -> str:
    """A module with `@python_loop`; `machine` as for `environment_text`."""
    return environment_text(machine) + flags_text(machine) + load("arrays/python_loop")


@cache
def _code() -> HostCode:
    return shared_code(python_loop_text(), {}, ["python_loop"])


def python_loop() -> int:
    """The address of a PyUFuncGenericFunction whose data is an object of Python.

    That is called with the addresses of the pointers to the operands, of the dimensions, and of the steps, and holds
    the GIL. What it raises stays set.

    Raises:
        HostError: LLVM isn't there.
    """
    return _code().address("python_loop")
