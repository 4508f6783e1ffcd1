"""Tier-up: the jobs that put optimized code in the place of baseline code, beside the running program."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from armexec.translate.codegen.cache import CacheSlot
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.execute.linked_unit import LinkedUnit
from armexec.translate.mode import Mode
from armexec.translate.policy import Policy
from armexec.translate.tiers import OPTIMIZED, submit
from armexec.translate.unit_registry import CodeSource, Shape

if TYPE_CHECKING:
    from armexec.translate.observe.dump import Dump

__all__ = ["Improvable", "OnStackReplacement", "compile_unit", "improve_later"]

_FIRST_LOOK, _LAST_LOOK = 0.005, 60.0
"""Seconds before the first and the last look at whether loops of the baseline tier still run."""


class Improvable(Protocol):
    """A translator, as far as these jobs know it."""

    code: CodeSource
    policy: Policy
    closed: bool
    dump: Dump | None

    def plan(
        self, address: int, shape: Shape | None, tier: str, mode: Mode, like: LinkedUnit | None = None
    ) -> tuple[CompiledUnit, CacheSlot | None]:
        """The text to compile, and where to keep the unit."""

    def improve(
        self, address: int, shape: Shape | None, compiled: CompiledUnit | None, first: LinkedUnit, mode: Mode
    ) -> bool:
        """Put optimized code in the place of a baseline unit; None: what is in the cache. Whether it was there."""

    def enter_optimized(self, compiled: CompiledUnit, mode: Mode) -> None:
        """Have loops of the baseline tier go on in optimized code."""


def compile_unit(
    compiled: CompiledUnit, tier: str, policy: Policy, stopping: Callable[[], bool] = lambda: False
) -> bytes:
    """The object file of a unit at a tier. Raises HostError, also when `stopping` says so."""
    return compile_object(
        compiled.source(tier), tier=tier, size=compiled.instructions, policy=policy, stopping=stopping
    )


class _Improvement:
    """The job of making a unit of the first tier better. While LLVM works, nothing of the image is held on to."""

    def __init__(self, translator: Improvable, address: int, shape: Shape | None, unit: LinkedUnit, mode: Mode) -> None:
        self._translator = weakref.ref(translator)
        self._unit = weakref.ref(unit)
        self._address = address
        self._shape = shape
        self._mode = mode

    def run(self, stopping: Callable[[], bool]) -> None:
        if self._improve(None, stopping):
            return
        translator, unit = self._translator(), self._unit()
        if translator is None or unit is None or translator.closed or stopping():
            return
        compiled, slot = translator.plan(self._address, self._shape, OPTIMIZED, self._mode, like=unit)
        policy = translator.policy
        del translator, unit
        is_unwanted = partial(_is_unwanted, self._translator, stopping)
        compiled = compiled._replace(object=compile_unit(compiled, OPTIMIZED, policy, is_unwanted))
        if slot is not None:
            slot.keep(compiled)
        self._improve(compiled, stopping)

    def _improve(self, compiled: CompiledUnit | None, stopping: Callable[[], bool]) -> bool:
        translator, unit = self._translator(), self._unit()
        if translator is None or unit is None or translator.closed or stopping():
            return True
        if not translator.improve(self._address, self._shape, compiled, unit, self._mode):
            return False
        if unit.has_loops:
            unit.running.value = 0
            submit(OnStackReplacement(translator, unit, _FIRST_LOOK, self._mode), _FIRST_LOOK)
        return True


def improve_later(translator: Improvable, address: int, shape: Shape | None, unit: LinkedUnit, mode: Mode) -> None:
    """Have a unit of the baseline tier optimized in the background."""
    submit(_Improvement(translator, address, shape, unit, mode))


class OnStackReplacement:
    """The job of looking whether loops of the first tier still run, and giving them better code to go on in."""

    def __init__(self, translator: Improvable, unit: LinkedUnit, delay: float, mode: Mode) -> None:
        self._translator = weakref.ref(translator)
        self._unit = weakref.ref(unit)
        self._delay = delay
        self._mode = mode

    def run(self, stopping: Callable[[], bool]) -> None:
        translator, unit = self._translator(), self._unit()
        if translator is None or unit is None or translator.closed:
            return
        if not unit.running.value:
            # It may be in something that it calls.
            if self._delay < _LAST_LOOK:
                later = self._delay * 4
                submit(OnStackReplacement(translator, unit, later, self._mode), later)
            return
        compiled, policy = unit.compiled, translator.policy
        if translator.dump is not None:
            translator.dump.unit(translator.code, compiled, OPTIMIZED, self._mode, policy, (), "osr")
        del translator, unit
        data = compile_unit(compiled, OPTIMIZED, policy, partial(_is_unwanted, self._translator, stopping))
        translator = self._translator()
        if translator is not None and not translator.closed and not stopping():
            translator.enter_optimized(compiled._replace(object=data), self._mode)


def _is_unwanted(reference: weakref.ref[Improvable], stopping: Callable[[], bool]) -> bool:
    translator = reference()
    return translator is None or translator.closed or stopping()
