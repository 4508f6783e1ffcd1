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
from typing import Any

from armexec.errors import ExecutionError, HostError
from armexec.machines.traps import EXIT, Trap, TrapKind

from .host import compile_object
from .kept import Kept, Place, kept_object
from .library import Code, Library, Shape
from .link import HostCode
from .linked import Unit
from .prelude import POOL_SIZE, SHARED, shared
from .record import Record, text_for
from .signals import install, prepare_thread, thread_key
from .state import GuestState
from .tiers import AUTO, FIRST, FULL, is_small, submit, urgent
from .watch import began, linked_shared

__all__ = ["Runtime", "Translator"]


_STACK_REACH = 1 << 14
"""A fault this near to the host's stack pointer is one of the host's stack."""


class _Side:
    """One of the two translations of an image: the fast one, or the careful one.

    `table`: by word of the image, the host code entered there with the state structure.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.kept = Kept(library)
        self.table = (ctypes.c_uint64 * max(library.code.code_size // 4, 1))()
        self.symbols: dict[str, int] = {}

    @property
    def table_address(self) -> int:
        return ctypes.addressof(self.table)


class Translator:
    """Translates the code of one image, when asked for or when it is reached.

    `to_error` makes the exception of a trap in this image. `tier`: one of `tiers.TIERS`, or `tiers.AUTO`. A function of
    more than `limit` instructions is translated in pieces.
    """

    def __init__(
        self,
        runtime: Runtime,
        code: Code,
        to_error: Callable[[Trap], Exception],
        *,
        tier: str = AUTO,
        limit: int | None = None,
    ) -> None:
        self.runtime = runtime
        self.code = code
        self.to_error = to_error
        self.tier = tier
        self.units: list[Unit] = []
        self.closed = False
        self._lock = threading.RLock()
        self._main = _Side(Library(code, limit))
        self._careful = _Side(Library(code, limit, careful=True))
        tables = {"table": self._main.table_address, "careful_table": self._careful.table_address}
        self._main.symbols = {**runtime.symbols, "image": code.base, **tables}
        # Careful code stays careful.
        self._careful.symbols = {
            **self._main.symbols,
            "table": self._careful.table_address,
            "lookup_slowly": runtime.symbols["careful_slowly"],
        }
        runtime.add(self)
        began(self)

    def close(self) -> None:
        self.closed = True
        self.runtime.remove(self)

    @property
    def library(self) -> Library:
        """What is translated of the image."""
        return self._main.library

    @property
    def table(self) -> Iterable[int]:
        """By word of the image, the host address of what is entered there with the state structure, or 0."""
        return self._main.table

    def entry(self, address: int, shape: Shape) -> int:
        """The host address of a C function for the guest function at `address`. Raises HostError."""
        with self._lock:
            return self._build(self._main, address, shape).entry_stub()

    def state_function(self, address: int, *, careful: bool = False) -> int:
        """The host address of the function at `address` that takes the state structure, 0 where there is no code."""
        if self.code.fetch(address) is None:
            return 0
        side = self._careful if careful else self._main
        with self._lock:
            states = side.library.states
            if address not in states:
                self._build(side, address, None)
            return states[address]

    def _build(self, side: _Side, address: int, shape: Shape | None) -> Unit:
        unit = self._find(side, address, shape) or self._translate(side, address, shape)
        self._add(side, unit, unit.publish(side.library))
        return unit

    def _add(self, side: _Side, unit: Unit, entered: Iterable[int]) -> None:
        """`entered`: the addresses where the unit's code is now entered through the state structure."""
        self.units.append(unit)
        for address in entered:
            side.table[(address - self.code.base) >> 2] = side.library.states[address]

    def _find(self, side: _Side, address: int, shape: Shape | None) -> Unit | None:
        """The unit from the cache: the better one if it is there."""
        for tier in (FULL, FIRST) if self.tier == AUTO else (self.tier,):
            record = side.kept.find(address, shape, tier)
            if record is None:
                continue
            try:
                unit = self._link(side, record, shape, tier)
            except HostError:
                # Whole, but not what it should be: somebody else's.
                side.kept.forget(address, shape, tier)
                continue
            side.library.found_before(self.code.base + offset for offset in record.found)
            if tier != FULL and self.tier == AUTO:
                place = side.kept.place(address, shape, FULL, record.consulted)
                submit(_Improvement(self, unit, record, shape, place, careful=side.library.careful))
            return unit
        return None

    def _translate(self, side: _Side, address: int, shape: Shape | None) -> Unit:
        from .unit import Draft

        with urgent():
            draft = Draft(side.library, address, shape)
            tier = self.tier
            if tier == AUTO:
                tier = FULL if is_small(draft.text) else FIRST
            record = draft.record(compile_object(text_for(tier, draft.text), tier=tier, size=draft.size))
        unit = self._link(side, record, shape, tier)
        full = None
        if draft.is_movable:
            place, full = (side.kept.place(address, shape, at, record.consulted) for at in (tier, FULL))
            if place is not None:
                place.keep(record)
        if tier == FIRST and self.tier == AUTO:
            submit(_Improvement(self, unit, record, shape, full, careful=side.library.careful))
        return unit

    def _link(self, side: _Side, record: Record, shape: Shape | None, tier: str) -> Unit:
        return Unit(side.library, record, side.symbols, tier, stub=shape is not None)

    def improve(self, old: Unit, record: Record, shape: Shape | None, *, careful: bool) -> None:
        """Replace a unit by the same at the full tier. Raises HostError."""
        side = self._careful if careful else self._main
        with self._lock:
            unit = self._link(side, record, shape, FULL)
            self._add(side, unit, unit.replace(old, side.library))

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""
        return next((why for unit in self.units if (why := unit.why(pc))), "")


class _Improvement:
    """The job of making a unit better. `place`: where the better one is to be kept."""

    def __init__(
        self,
        translator: Translator,
        unit: Unit,
        record: Record,
        shape: Shape | None,
        place: Place | None,
        *,
        careful: bool,
    ) -> None:
        self._translator = weakref.ref(translator)
        self._unit = weakref.ref(unit)
        # The object is linked already.
        self._record = replace(record, object=b"")
        self._shape = shape
        self._place = place
        self._careful = careful

    def run(self, stopping: Callable[[], bool]) -> None:
        record = self._record

        def unwanted() -> bool:
            translator = self._translator()
            return translator is None or translator.closed or stopping()

        if unwanted():
            return
        # While LLVM works, nothing of the image is held on to.
        text = record.source(FULL)
        data = compile_object(text, tier=FULL, size=record.instructions, stopping=unwanted)
        better = replace(record, object=data)
        if self._place is not None:
            self._place.keep(better)
        translator, unit = self._translator(), self._unit()
        if translator is not None and unit is not None and not translator.closed and not stopping():
            translator.improve(unit, better, self._shape, careful=self._careful)


class Runtime:
    """`new_stack` gives the top of a fresh guest stack, and what keeps it alive."""

    def __init__(self, new_stack: Callable[[], tuple[int, Any]]) -> None:
        self._new_stack = new_stack
        self._lock = threading.RLock()
        # Weakly: an image that nobody holds any more takes its translations with it.
        self._translators: list[weakref.ref[Translator]] = []
        self._starts: list[int] = []
        self._pool = (ctypes.c_uint64 * (1 + POOL_SIZE))()
        self._states: dict[int, tuple[GuestState, Any]] = {}
        self._slots = 0
        self._callback_error: dict[int, BaseException] = {}
        self._callbacks = {
            "find": self._find,
            "find_careful": self._find_careful,
            "more": self._more,
            "less": self._less,
            "prepare": self._prepare,
            "raiser": self._raise,
        }
        # An object of CPython is at its id; the dictionary keeps them.
        objects = {name: id(callback) for name, callback in self._callbacks.items()}
        data = {"pool": ctypes.addressof(self._pool), "thread_key": thread_key()}
        text = shared()
        compiled = kept_object(text, tier="O0")
        self._shared = HostCode(compiled, {**objects, **data}, [*SHARED, "exited"])
        linked_shared(self._shared, compiled, text)
        self.symbols = {name: self._shared.address(name) for name in SHARED}
        install()
        with self._lock:
            self._pool[0] |= self._add_state()

    # -- images -------------------------------------------------------------------------------------------------
    def add(self, translator: Translator) -> None:
        with self._lock:
            self._drop_dead()
            index = bisect_right(self._starts, translator.code.base)
            self._starts.insert(index, translator.code.base)
            self._translators.insert(index, weakref.ref(translator))

    def remove(self, translator: Translator) -> None:
        with self._lock:
            self._drop_dead(translator)

    def _drop_dead(self, closed: Translator | None = None) -> None:
        alive = [
            (start, reference)
            for start, reference in zip(self._starts, self._translators, strict=True)
            if reference() not in (None, closed)
        ]
        self._starts = [start for start, _ in alive]
        self._translators = [reference for _, reference in alive]

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
        top, stack = self._new_stack()
        state.stack_top = top
        address = ctypes.addressof(state)
        if self._slots < POOL_SIZE:
            state.slot = 1 << self._slots
            self._slots += 1
            self._pool[self._slots] = address
        self._states[address] = (state, stack)
        return int(state.slot)

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
        return 0

    # -- callbacks from translated code -------------------------------------------------------------------------------
    def _find_careful(self, state: int, pc: int) -> int:
        return self._find(state, pc, careful=True)

    def _find(self, state: int, pc: int, *, careful: bool = False) -> int:
        try:
            if pc == EXIT:
                return self._shared.address("exited")
            translator = self.translator_at(pc)
            if translator is None or pc & 3:
                return 0
            return translator.state_function(pc, careful=careful)
        except BaseException as error:
            self._callback_error[state] = error
            return 0

    def _raise(self, address: int) -> None:
        """Called with the GIL held, by an entry stub whose guest has trapped."""
        error = self._callback_error.pop(address, None)
        if error is not None:
            raise error
        state = GuestState.from_address(address)
        kind = TrapKind(state.trap_kind)
        pc = state.trap_pc or self._faulting_pc(state)
        if abs(state.trap_detail - state.host_sp) < _STACK_REACH and kind in (TrapKind.READ, TrapKind.WRITE):
            raise ExecutionError("calls are nested too deeply for the host's stack", pc=pc)
        # A jump to where there is no code is reported by the image that was called.
        translator = self.translator_at(pc) or self.translator_at(state.entry)
        trap = Trap(kind, pc, state.trap_detail, translator.why(pc) if translator is not None else "")
        raise translator.to_error(trap) if translator is not None else trap

    def _faulting_pc(self, state: GuestState) -> int:
        """The guest pc of a fault: of the instruction where that can be told, else of the function called."""
        host_pc = state.host_pc
        with self._lock:
            translators = [translator for reference in self._translators if (translator := reference())]
        units = [unit for translator in translators for unit in translator.units]
        unit = max((u for u in units if u.begin <= host_pc), key=lambda u: u.begin, default=None)
        found = unit.guest_pc(host_pc) if unit is not None else None
        return int(state.entry) if found is None else found
