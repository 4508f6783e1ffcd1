"""What translated code needs from Python while it runs: states to run on, code found on the way, exceptions.

There is one for the process. Translated code calls back for a state when the pool is empty, for a function that isn't
translated yet, and when the guest has trapped; nothing of this is on the path of a call that goes well.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from armexec.cpu.registers import X30
from armexec.errors import HostError
from armexec.forks import hold, renew
from armexec.machines.addresses import without_tag
from armexec.machines.traps import EXIT, Trap, TrapKind
from armexec.memory import GuestStack, Overflow, stack_size
from armexec.translate.codegen.cache import CacheSlot, UnitCache
from armexec.translate.codegen.llvm import compile_object, has_optimized
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.events import began, has_listeners
from armexec.translate.execute.fault_handler import (
    SI_KERNEL,
    handler_text,
    has_steps,
    install,
    look,
    prepare_thread,
    previous,
    set_untagger,
    thread_key,
    untagger,
)
from armexec.translate.execute.host_stack import host_overflow, is_host_overflow, limit_key, remember_limit
from armexec.translate.execute.linked_unit import LinkedUnit, unit_at
from armexec.translate.guest_state import GuestState
from armexec.translate.mode import CAREFUL, FAST, STRICT, Mode
from armexec.translate.policy import DEFAULT, Policy
from armexec.translate.support.runtime_ir import POOL_SIZE, SHARED, shared
from armexec.translate.tiers import AUTO, BASELINE, OPTIMIZED, submit, urgent
from armexec.translate.unit_registry import CodeSource, Shape, UnitRegistry

if TYPE_CHECKING:
    from armexec.translate.observe.dump import Dump

__all__ = ["Fault", "Runtime", "Translator"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


_FIRST_LOOK, _LAST_LOOK = 0.005, 60.0
"""Seconds after which it is looked, at first and at last, whether loops of the first tier still run."""


class Fault(NamedTuple):
    """A trap of translated code. `where` gives it with its place, if that has to be found first.

    `entry`: the function that was called. `overflow`: it is one of a stack that has run out.
    """

    trap: Trap
    entry: int
    where: Callable[[], Trap] | None = None
    overflow: Overflow | None = None


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
        self.table[(address - code.base) >> 2] = self.entered(address) or 0

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
        self.tier = tier if policy.tiers or tier != AUTO else OPTIMIZED
        self.units: list[LinkedUnit] = []
        self.closed = False
        self.policy = policy
        self.dump = dump
        self._lock = renew(self)
        self._sides: dict[Mode, _Side] = {}
        # What has been returned to, and may well go on elsewhere.
        self._returned_to: set[int] = set()
        runtime.add(self)
        began(self)

    def close(self) -> None:
        """Make nothing better any more: what still runs is to end soon."""
        self.closed = True

    @property
    def mode(self) -> Mode:
        """How calls from Python begin."""
        if self.code.reads_fpsr:
            return STRICT
        return FAST if self.policy.nan_speculation else CAREFUL

    def _side(self, mode: Mode) -> _Side:
        with self._lock:
            side = self._sides.get(mode)
            if side is None:
                side = self._sides[mode] = _Side(self.code, self.policy, mode)
                symbols = {**self.runtime.symbols, "image": self.code.base, "table": side.table_address}
                if mode == FAST:
                    symbols["careful_table"] = self._side(CAREFUL).table_address
                else:
                    # Careful code stays careful, and strict code strict.
                    symbols["lookup_slowly"] = symbols["strict_slowly" if mode.is_strict else "careful_slowly"]
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

    def state_function(self, address: int, mode: Mode) -> int:
        """The host address of the function at `address` that takes the state structure, 0 where there is no code."""
        if self.code.fetch(address) is None:
            return 0
        if mode == FAST:
            mode = self.mode
        side = self._side(mode)
        with urgent(), self._lock:
            if side.entered(address) is None:
                self._build(side, address, None)
            return side.entered(address) or 0

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
        submit(_Improvement(self, address, shape, unit, side.mode))
        return unit

    def _find(self, side: _Side, address: int, shape: Shape | None, tier: str) -> LinkedUnit | None:
        """The unit from the cache."""
        registry, cache = side.at(tier)
        compiled = cache.find(address, shape, tier) if self.dump is None else None
        if compiled is None:
            return None
        try:
            unit = self._link(side, compiled, shape, tier)
        except HostError:
            # Whole, but not what it should be: somebody else's.
            cache.forget(address, shape, tier)
            return None
        registry.found_before(self.code.base + offset for offset in compiled.found)
        return unit

    def _translate(self, side: _Side, address: int, shape: Shape | None, tier: str) -> LinkedUnit:
        compiled, slot = self.plan(address, shape, tier, side.mode)
        compiled = replace(compiled, object=_compile(compiled, tier, self.policy))
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

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return next((why for unit in self.units if (why := unit.why(pc))), "")


def _compile(compiled: CompiledUnit, tier: str, policy: Policy, stopping: Callable[[], bool] = lambda: False) -> bytes:
    return compile_object(
        compiled.source(tier), tier=tier, size=compiled.instructions, policy=policy, stopping=stopping
    )


class _Improvement:
    """The job of making a unit of the first tier better. While LLVM works, nothing of the image is held on to."""

    def __init__(self, translator: Translator, address: int, shape: Shape | None, unit: LinkedUnit, mode: Mode) -> None:
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
        compiled = replace(compiled, object=_compile(compiled, OPTIMIZED, policy, is_unwanted))
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
            submit(_OnStackReplacement(translator, unit, _FIRST_LOOK, self._mode), _FIRST_LOOK)
        return True


class _OnStackReplacement:
    """The job of looking whether loops of the first tier still run, and giving them better code to go on in."""

    def __init__(self, translator: Translator, unit: LinkedUnit, delay: float, mode: Mode) -> None:
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
                submit(_OnStackReplacement(translator, unit, later, self._mode), later)
            return
        compiled, policy = unit.compiled, translator.policy
        if translator.dump is not None:
            translator.dump.unit(translator.code, compiled, OPTIMIZED, self._mode, policy, (), "osr")
        del translator, unit
        data = _compile(compiled, OPTIMIZED, policy, partial(_is_unwanted, self._translator, stopping))
        translator = self._translator()
        if translator is not None and not translator.closed and not stopping():
            translator.enter_optimized(replace(compiled, object=data), self._mode)


def _is_unwanted(reference: weakref.ref[Translator], stopping: Callable[[], bool]) -> bool:
    translator = reference()
    return translator is None or translator.closed or stopping()


class Runtime:
    """`to_error` makes the exception of a fault that is in no image."""

    def __init__(self, new_stack: Callable[[], GuestStack], to_error: Callable[[Fault], Exception]) -> None:
        self._new_stack = new_stack
        self._to_error = to_error
        self._lock = hold(threading.RLock())
        # Weakly: an image that nobody holds any more takes its translations with it.
        self._translators: list[weakref.ref[Translator]] = []
        self._starts: list[int] = []
        self._pool = (ctypes.c_uint64 * (1 + POOL_SIZE))()
        self._states: dict[int, tuple[GuestState, GuestStack]] = {}
        self._slots = 0
        self._callback_error: dict[int, BaseException] = {}
        # How many images can tell which flags operations have raised.
        self._strict_images = ctypes.c_uint64()
        self._callbacks = {
            "find": partial(self._find, FAST),
            "find_careful": partial(self._find, CAREFUL),
            "find_strict": partial(self._find, STRICT),
            "untag_object": self._untag,
            "more": self._more,
            "less": self._less,
            "prepare": self._prepare,
            "raiser": self._raise,
        }
        # An object of CPython is at its id; the dictionary keeps them.
        objects = {name: id(callback) for name, callback in self._callbacks.items()}
        data = {"pool": ctypes.addressof(self._pool), "previous": previous()}
        data |= {"thread_key": thread_key(), "limit_key": limit_key(), "untagger": untagger()}
        names = [*SHARED, "exited", "strictly", "untag", "claim", "release", "handler", "thread_ended"]
        self._shared = shared_code(shared() + handler_text(), {**objects, **data}, names)
        self.symbols = {name: self._shared.address(name) for name in SHARED}
        self.symbols["strict_images"] = ctypes.addressof(self._strict_images)
        self._claim = ctypes.PYFUNCTYPE(ctypes.c_uint64)(self._shared.address("claim"))
        self._release = ctypes.PYFUNCTYPE(None, ctypes.c_uint64)(self._shared.address("release"))
        self._stack_size = stack_size()
        if has_steps():
            # Not when it is needed: to import takes more stack than a handler has.
            from armexec.translate.execute.top_byte_ignore import untag

            self._untag_access = untag
            set_untagger(self._shared.address("untag"))
        install(self._shared)
        with self._lock:
            self._pool[0] |= self._add_state()

    # -- images -------------------------------------------------------------------------------------------------
    def add(self, translator: Translator) -> None:
        with self._lock:
            self._drop_dead()
            index = bisect_right(self._starts, translator.code.base)
            self._starts.insert(index, translator.code.base)
            self._translators.insert(index, weakref.ref(translator))
            self._strict_images.value += translator.code.reads_fpsr

    def _drop_dead(self) -> None:
        alive = [
            (start, reference, found.code.reads_fpsr)
            for start, reference in zip(self._starts, self._translators, strict=True)
            if (found := reference()) is not None
        ]
        self._starts = [start for start, _, _ in alive]
        self._translators = [reference for _, reference, _ in alive]
        self._strict_images.value = sum(reads for _, _, reads in alive)

    def translator_at(self, address: int) -> Translator | None:
        """The translator of the image that holds an address."""
        with self._lock:
            index = bisect_right(self._starts, address) - 1
            translator = self._translators[index]() if index >= 0 else None
        if translator is None or address >= translator.code.base + translator.code.size:
            return None
        return translator

    # -- states -------------------------------------------------------------------------------------------------
    def _add_state(self) -> int:
        """Make a state; its bit in the pool, 0 when the pool has no more places."""
        state = GuestState()
        stack = self._new_stack()
        state.stack_top = stack.stack_pointer
        address = ctypes.addressof(state)
        if self._slots < POOL_SIZE:
            state.slot = 1 << self._slots
            self._slots += 1
            self._pool[self._slots] = address
        self._states[address] = (state, stack)
        return int(state.slot)

    def prepare(self) -> None:
        """Before an image is loaded: see that faults come here, and that stacks have their size. Raises HostError."""
        look()
        self._fit_stacks()

    def _fit_stacks(self) -> None:
        """Give the states that nothing runs on stacks of the size that is asked for now. Raises HostError."""
        size = stack_size()
        with self._lock:
            if size == self._stack_size:
                return
            claimed = []
            try:
                while self._pool[0]:
                    claimed.append(self._claim())
                for address in claimed:
                    state, _ = self._states[address]
                    stack = self._new_stack()
                    state.stack_top = stack.stack_pointer
                    self._states[address] = state, stack
                self._stack_size = size
            finally:
                for address in claimed:
                    self._release(address)

    def _more(self, _a: int, _b: int) -> int:
        # The new state belongs to the caller; its bit is set when it is released.
        try:
            with self._lock:
                before = set(self._states)
                self._add_state()
                return next(iter(set(self._states) - before))
        except Exception:
            return 0

    def _less(self, address: int, _b: int) -> int:
        with self._lock:
            self._states.pop(address, None)
        return 0

    @staticmethod
    def _prepare(_a: int, _b: int) -> int:
        prepare_thread()
        remember_limit()
        return 0

    # -- callbacks from translated code -------------------------------------------------------------------------------
    def _find(self, mode: Mode, state: int, pc: int) -> int:
        """The host code for an address that code of this mode goes to, 0 where there is none."""
        try:
            if pc == EXIT:
                return self._shared.address("exited")
            translator = self.translator_at(pc)
            if translator is None or pc & 3:
                return 0
            if GuestState.from_address(state).x[X30] == pc:
                translator.check_return(pc, GuestState.from_address(state).entry)
            if translator.code.reads_fpsr and not mode.is_strict:
                return self._shared.address("strictly")
            return translator.state_function(pc, mode)
        except BaseException as error:
            self._callback_error[state] = error
            return 0

    def _untag(self, state: int, context: int) -> int:
        try:
            return int(self._untag_access(state, context))
        except Exception:
            return 0

    def _raise(self, address: int) -> None:
        """Called with the GIL held, by an entry stub whose guest has trapped."""
        error = self._callback_error.pop(address, None)
        if error is not None:
            raise error
        state, stack = self._states[address]
        kind, detail, entry = TrapKind(state.trap_kind), int(state.trap_detail), int(state.entry)
        owner = self.translator_at(entry)
        where: Callable[[], Trap] | None = None
        overflow: Overflow | None = None
        if kind is TrapKind.HOST_STACK:
            trap, overflow = Trap(TrapKind.WRITE, int(state.trap_pc), detail), host_overflow()
        elif kind not in (TrapKind.READ, TrapKind.WRITE) or state.trap_pc:
            # A jump to where there is no code is reported by the image that was called.
            owner = self.translator_at(state.trap_pc) or owner
            trap = Trap(kind, int(state.trap_pc), detail, owner.why(state.trap_pc) if owner is not None else "")
        else:
            # The handler of signals knows the host's pc only. A jump to 0 has its pc.
            host_pc = int(state.host_pc)
            is_blind = not detail and state.host_code == SI_KERNEL
            if is_blind:
                detail = _accessed_address(state)
            trap = Trap(kind, entry, detail)
            unit = unit_at(host_pc)
            if unit is not None:
                owner = self.translator_at(unit.base) or owner
                fetch = owner.code.fetch if owner is not None else None
                where = partial(_place, trap, unit, host_pc, fetch, is_blind)
            overflow = host_overflow() if is_host_overflow(detail, state.host_sp) else stack.overflow(detail)
        raise (owner.to_error if owner is not None else self._to_error)(Fault(trap, entry, where, overflow))


def _accessed_address(state: GuestState) -> int:
    """The address that isn't canonical, where the host doesn't tell it; 0 if it can't be found."""
    from armexec.translate.execute.host_operand import accessed_address
    from armexec.translate.execute.top_byte_ignore import GREGS, code_at

    found = accessed_address(code_at(state.host_pc), [state.host_registers[at] for at in GREGS])
    return without_tag(found or 0)


def _place(
    trap: Trap, unit: LinkedUnit, host_pc: int, fetch: Callable[[int], int | None] | None, is_blind: bool
) -> Trap:
    """A trap of the instruction where that can be told, else of the function called.

    `is_blind`: the host hasn't told whether it was a read or a write.
    """
    pc = unit.guest_pc(host_pc)
    if pc is None:
        return trap
    if fetch is not None:
        # Only now: it brings along the whole instruction set.
        from armexec.translate.execute.fault_place import accesses, fault_place

        if is_blind and accesses(pc, TrapKind.WRITE, fetch) and not accesses(pc, TrapKind.READ, fetch):
            reader = unit.reader(pc)
            if reader is not None:
                # What was read there is written here, by one instruction: else it had faulted before.
                return Trap(TrapKind.READ, reader, trap.detail)
            trap = Trap(TrapKind.WRITE, pc, trap.detail)
        pc = fault_place(pc, trap.kind, fetch, unit.source)
    return Trap(trap.kind, pc, trap.detail, "", unit.reader(pc))
