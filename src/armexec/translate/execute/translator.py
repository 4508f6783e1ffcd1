"""The translator of an image: code is translated when it is asked for, or when it is reached."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from armexec.callbacks import SystemCallHandler
from armexec.errors import HostError
from armexec.forks import renew
from armexec.machines.traps import Trap, TrapKind
from armexec.resource_limits.deadlines import TimeIsOver
from armexec.translate.codegen.cache import CacheSlot, UnitCache
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import compile_in_time, has_optimized
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.events import began, has_listeners
from armexec.translate.execute.fault import Fault
from armexec.translate.execute.fault_handler import look
from armexec.translate.execute.linked_unit import LinkedUnit
from armexec.translate.execute.runtime import Runtime, lookup_name
from armexec.translate.execute.tier_up import improve_later
from armexec.translate.mode import COUNTED, NONSPECULATIVE, SPECULATIVE, STRICT, Mode
from armexec.translate.policy import DEFAULT, Policy
from armexec.translate.support.load import load
from armexec.translate.tiers import AUTO, BASELINE, OPTIMIZED, urgent
from armexec.translate.unit_registry import CodeSource, Shape, UnitRegistry

if TYPE_CHECKING:
    from armexec.translate.observe.dump import Dump

__all__ = ["Translator"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class _Side:
    """One of the translations of an image, with its first tier.

    `table`: by word of the image, the host code entered there with the state structure.
    """

    def __init__(self, code: CodeSource, policy: Policy, mode: Mode) -> None:
        self.mode = mode
        self.registry = UnitRegistry(code, policy, mode)
        self.cache = UnitCache(self.registry)
        # Code of the first tier knows nothing of the better, and is not known to it.
        self.first = UnitRegistry(code, policy, mode, optimized=self.registry)
        self.first_cache = UnitCache(self.first)
        self.table = (ctypes.c_uint64 * max(code.code_size // 4, 1))()
        self.symbols: dict[str, int] = {}

    @property
    def table_address(self) -> int:
        return ctypes.addressof(self.table)

    def entered(self, address: int) -> int | None:
        """The host code that is entered at an address with the state structure."""
        return self.registry.states.get(address) or self.first.states.get(address)

    def enter(self, address: int) -> None:
        """Put what is entered at an address into the table."""
        code = self.registry.code
        # What has been replaced is entered by its own entry stub only.
        entered = None if address in code.redirected else self.entered(address)
        self.table[(address - code.base) >> 2] = entered or 0

    def at(self, tier: str) -> tuple[UnitRegistry, UnitCache]:
        """What is translated, and kept, at a tier."""
        return (self.first, self.first_cache) if tier == BASELINE else (self.registry, self.cache)


class Translator:
    """Translates the code of one image, when asked for or when it is reached.

    `to_error` makes the exception of a fault in this image. `tier`: one of `tiers.TIERS`, or `tiers.AUTO`. `dump`: what
    shows the stages of translations; then nothing is taken from the cache.
    """

    def __init__(
        self,
        runtime: Runtime,
        code: CodeSource,
        to_error: Callable[[Fault], Exception],
        *,
        tier: str = AUTO,
        policy: Policy = DEFAULT,
        dump: Dump | None = None,
    ) -> None:
        self.runtime = runtime
        self.code = code
        self.to_error = to_error
        self.system_call: SystemCallHandler | None = None
        self.tier = tier if policy.tiers or tier != AUTO else OPTIMIZED
        self.units: list[LinkedUnit] = []
        self.closed = False
        self.policy = policy
        self.dump = dump
        self._lock = renew(self)
        self._sides: dict[Mode, _Side] = {}
        self._redirections: dict[tuple[int, Mode], tuple[HostCode, ctypes.c_uint64]] = {}
        # What has been returned to, and may well go on elsewhere.
        self._returned_to: set[int] = set()
        if code.valid is None:
            runtime.add(self)
        began(self)

    @property
    def interprets(self) -> bool:
        """Whether code that the guest has written is interpreted as long as it is executed seldom. Where a tier was
        chosen, or somebody looks at translated code, all of it is translated.
        """
        is_seen = self.dump is not None or has_listeners()
        return self.policy.cold_interpretation and self.tier == AUTO and not is_seen

    def another(self, code: CodeSource) -> Translator:
        """A translator of code that the guest has written, which works like this one."""
        runtime, fetch = self.runtime, code.fetch
        return Translator(
            runtime,
            code,
            lambda fault: runtime.to_error(fault, word_at=fetch),
            tier=self.tier,
            policy=self.policy,
            dump=self.dump,
        )

    def close(self) -> None:
        """Make nothing better any more: what still runs is to end soon."""
        self.closed = True

    @property
    def mode(self) -> Mode:
        """How calls from Python begin."""
        if self.code.reads_fpsr:
            return STRICT
        return SPECULATIVE if self.policy.nan_speculation else NONSPECULATIVE

    def _side(self, mode: Mode) -> _Side:
        with self._lock:
            side = self._sides.get(mode)
            if side is None:
                side = self._sides[mode] = _Side(self.code, self.policy, mode)
                symbols = {**self.runtime.symbols, "image": self.code.base, "table": side.table_address}
                symbols["memory"] = self.code.memory or 0
                symbols["strict_slowly"] = symbols[lookup_name(mode._replace(fp="strict", nan="immediate"))]
                symbols["nonspeculative_slowly"] = symbols[lookup_name(mode._replace(nan="immediate"))]
                # Nonspeculative code stays so, strict code strict, and what counts goes on counting.
                symbols["lookup_slowly"] = symbols[lookup_name(mode)]
                if mode.nan == "deferred":
                    symbols["nonspeculative_table"] = self._side(mode._replace(nan="immediate")).table_address
                if self.code.valid is not None:
                    symbols["valid"] = self.code.valid
                side.symbols = symbols
            return side

    @property
    def registry(self) -> UnitRegistry:
        """What is translated of the image."""
        return self._side(self.mode).registry

    @property
    def table(self) -> Iterable[int]:
        """By word of the image, the host address of what is entered there with the state structure, or 0."""
        return self._side(self.mode).table

    def entry(self, address: int, shape: Shape) -> int:
        """The host address of a C function for the guest function at `address`. Raises HostError."""
        look()
        with urgent(), self._lock:
            return self._build(self._side(self.mode), address, shape).entry_stub()

    def counted_entry(self, address: int, *, is_strict: bool) -> int:
        """The host address of what takes the state structure for a call from Python, and counts instructions.

        Raises HostError.
        """
        side = self._side(COUNTED[STRICT if is_strict else self.mode])
        with urgent(), self._lock:
            return self._build(side, address, Shape(in_state=True)).entry_stub()

    def state_function(self, address: int, mode: Mode) -> int:
        """The host address of the function at `address` that takes the state structure, 0 where there is no code."""
        if self.code.fetch(address) is None:
            return 0
        if address in self.code.redirected:
            return self._redirection(address, mode)
        if mode.nan == "deferred":
            mode = COUNTED[self.mode] if mode.counted else self.mode
        side = self._side(mode)
        with urgent(), self._lock:
            if side.entered(address) is None:
                self._build(side, address, None)
            return side.entered(address) or 0

    def _redirection(self, address: int, mode: Mode) -> int:
        """The host code that goes on where a replaced function is redirected to. Raises HostError."""
        key = address, mode
        with self._lock:
            code = self._redirections.get(key)
            if code is None:
                target = ctypes.c_uint64(self.code.redirected[address])
                lookup = lookup_name(mode)
                symbols = {"target": ctypes.addressof(target), lookup: self.runtime.symbols[lookup]}
                text = load("runtime/redirect", LOOKUP=lookup)
                code = self._redirections[key] = shared_code(text, symbols, ["redirect"]), target
            return code[0].address("redirect")

    def check_return(self, address: int, entry: int) -> None:
        """Raise the error for an address that a call of `entry` has returned to, if nothing else can follow."""
        if address in self._returned_to:
            return
        # Only now: code from the cache runs without it.
        from armexec.translate.analysis.self_returns import WHY, returns_to_itself

        if returns_to_itself(address, self.code.fetch):
            raise self.to_error(Fault(Trap(TrapKind.ENDLESS, address, 0, WHY), entry))
        self._returned_to.add(address)

    def _build(self, side: _Side, address: int, shape: Shape | None) -> LinkedUnit:
        try:
            return self._build_in_time(side, address, shape)
        except TimeIsOver:
            raise self.to_error(Fault(Trap(TrapKind.TIME_LIMIT, address), address)) from None

    def _build_in_time(self, side: _Side, address: int, shape: Shape | None) -> LinkedUnit:
        if self.tier != AUTO:
            return self._find(side, address, shape, self.tier) or self._translate(side, address, shape, self.tier)
        unit = self._find(side, address, shape, OPTIMIZED)
        if unit is not None:
            return unit
        unit = self._find(side, address, shape, BASELINE)
        if unit is None:
            alone = shape is not None or not side.registry.has_left_out
            optimizes = alone and (has_optimized() or has_listeners())
            # Strict code is several times as long.
            small = self.policy.max_optimized_at_once // (4 if side.mode.is_strict else 1)
            if optimizes and side.registry.reach(address, small) <= small:
                return self._translate(side, address, shape, OPTIMIZED)
            unit = self._translate(side, address, shape, BASELINE)
        improve_later(self, address, shape, unit, side.mode)
        return unit

    def _find(self, side: _Side, address: int, shape: Shape | None, tier: str) -> LinkedUnit | None:
        """The unit from the cache."""
        _, cache = side.at(tier)
        compiled = cache.find(address, shape, tier) if self.dump is None else None
        if compiled is None:
            return None
        try:
            unit = self._link(side, compiled, shape, tier)
        except HostError:
            # Whole, but not what it should be: somebody else's.
            cache.forget(address, shape, tier)
            return None
        return unit

    def _translate(self, side: _Side, address: int, shape: Shape | None, tier: str) -> LinkedUnit:
        compiled, slot = self.plan(address, shape, tier, side.mode)
        data = compile_in_time(compiled.source(tier), tier=tier, size=compiled.instructions, policy=self.policy)
        compiled = compiled._replace(object=data)
        if slot is not None:
            slot.keep(compiled)
        return self._link(side, compiled, shape, tier)

    def plan(
        self, address: int, shape: Shape | None, tier: str, mode: Mode, like: LinkedUnit | None = None
    ) -> tuple[CompiledUnit, CacheSlot | None]:
        """The text to compile, and where to keep it. They refer to nothing of the image.

        It is entered wherever the unit `like` is.
        """
        from armexec.translate.ir.unit import UnitPlan

        registry, cache = self._side(mode).at(tier)
        with self._lock:
            plan = UnitPlan(registry, address, shape, None if like is None else like.entered())
            compiled = plan.compiled(b"")
            is_movable = plan.is_movable
            if self.dump is not None:
                flows = [function.graph for function in plan.functions.values()]
                self.dump.unit(self.code, compiled, tier, mode, self.policy, flows)
            plan.close()
            return compiled, cache.slot(address, shape, tier, compiled.consulted) if is_movable else None

    def _link(self, side: _Side, compiled: CompiledUnit, shape: Shape | None, tier: str) -> LinkedUnit:
        """Link a unit and let all know of it. Raises HostError."""
        registry, _ = side.at(tier)
        unit = LinkedUnit(registry, compiled, side.symbols, tier, stub=shape is not None)
        self.units.append(unit)
        for address in unit.publish(registry):
            side.enter(address)
        self.runtime.forget_found()
        return unit

    def improve(
        self, address: int, shape: Shape | None, compiled: CompiledUnit | None, first: LinkedUnit, mode: Mode
    ) -> bool:
        """Put the full tier's code in the place of the first's; `compiled`: that code, None: what is in the cache.

        Whether it was there. Raises HostError.
        """
        side = self._side(mode)
        with self._lock:
            unit = (
                self._link(side, compiled, shape, OPTIMIZED)
                if compiled
                else self._find(side, address, shape, OPTIMIZED)
            )
            if unit is not None:
                first.replace_with(unit)
            return unit is not None

    def enter_optimized(self, compiled: CompiledUnit, mode: Mode) -> None:
        """Have loops of the baseline tier go on in `compiled`, which is the same unit, optimized (OSR).

        Raises HostError.
        """
        side = self._side(mode)
        with self._lock:
            unit = LinkedUnit(side.first, compiled, side.symbols, OPTIMIZED, stub=False)
            self.units.append(unit)
            for function in compiled.functions:
                for entry in function.entries:
                    address = self.code.base + entry
                    side.first.states[address] = unit.host.address(f"s{function.offset:x}")
                    side.enter(address)
            self.runtime.forget_found()

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return next((why for unit in self.units if (why := unit.why(pc))), "")
