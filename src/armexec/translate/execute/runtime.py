"""What translated code needs from Python while it runs: states to run on, code found on the way, exceptions.

There is one for the process. Translated code calls back for a state when the pool is empty, for a function that isn't
translated yet, and when the guest has trapped; nothing of this is on the path of a call that goes well.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import Protocol

from armexec import guest_sizes, instruction_budget
from armexec.callbacks import SystemCallHandler, host_functions
from armexec.cpu.registers import X30
from armexec.deadlines import is_over
from armexec.forks import hold
from armexec.machines.addresses import without_tag
from armexec.machines.traps import EXIT, Trap, TrapKind
from armexec.memory import GuestStack, Overflow
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.fault import Fault
from armexec.translate.execute.fault_handler import (
    SI_KERNEL,
    ask_again,
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
from armexec.translate.execute.found_code import FoundCode
from armexec.translate.execute.host_stack import host_overflow, is_host_overflow, limit_key, remember_limit
from armexec.translate.execute.linked_unit import LinkedUnit, unit_at
from armexec.translate.execute.state_pool import StatePool
from armexec.translate.execute.watch import Watch
from armexec.translate.guest_state import GuestState
from armexec.translate.mode import COUNTED, NONSPECULATIVE, SPECULATIVE, STRICT, Mode
from armexec.translate.support.load import load
from armexec.translate.support.runtime_ir import COUNTED_LOOKUPS, FOR_CALLBACKS, SHARED, shared
from armexec.translate.unit_registry import CodeSource

__all__ = ["CodeOwner", "Runtime", "lookup_name"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


_SUFFIXES = {SPECULATIVE: "", NONSPECULATIVE: "_nonspeculative", STRICT: "_strict"}
_SUFFIXES |= {COUNTED[mode]: f"_counted{suffix}" for mode, suffix in _SUFFIXES.items()}
"""By mode, how the names end of what finds its code (`support/runtime/find_code.ll`)."""


def lookup_name(mode: Mode) -> str:
    """The function by which code of a mode finds what no table has yet."""
    return f"{_SUFFIXES[mode][1:] or 'lookup'}_slowly"


class CodeOwner(Protocol):
    """The translator of an image, as far as the runtime knows it."""

    to_error: Callable[[Fault], Exception]
    system_call: SystemCallHandler | None
    """None: a system call is a trap."""

    @property
    def code(self) -> CodeSource: ...

    def check_return(self, address: int, entry: int) -> None:
        """Raise the error for an address that a call of `entry` has returned to, if nothing else can follow."""

    def counted_entry(self, address: int, *, is_strict: bool) -> int:
        """The host address of what takes the state structure for a call from Python, and counts instructions."""

    def state_function(self, address: int, mode: Mode) -> int:
        """The host address of the function at `address` that takes the state structure, 0 where there is no code."""

    def why(self, pc: int) -> str:
        """What an undefined instruction said about itself."""


class Runtime:
    """`to_error` makes the exception of a fault that is in no image."""

    def __init__(self, new_stack: Callable[[int | None], GuestStack], to_error: Callable[[Fault], Exception]) -> None:
        self._to_error = to_error
        self._lock = hold(threading.RLock())
        # Weakly: an image that nobody holds any more takes its translations with it.
        self._translators: list[weakref.ref[CodeOwner]] = []
        self._starts: list[int] = []
        self._local = threading.local()
        self._watch = Watch()
        self._pool = StatePool(new_stack, self._watch.wake)
        # How many images can tell which flags operations have raised.
        self._strict_images = ctypes.c_uint64()
        self._found = {mode: FoundCode(self._put) for mode in _SUFFIXES}
        self._found_entry = FoundCode(self._put)
        self._callbacks = {
            **{f"find{suffix}": partial(self._find, mode) for mode, suffix in _SUFFIXES.items()},
            "find_entry": self._find_entry,
            "stop_object": self._stop_within,
            "system_call_object": self._system_call,
            "untag_object": self._untag,
            **self._pool.callbacks,
            "interrupted_object": self._interrupted,
            "prepare": self._prepare,
            "raiser": self._raise,
        }
        # An object of CPython is at its id; the dictionary keeps them.
        objects = {name: id(callback) for name, callback in self._callbacks.items()}
        data = {"found_entry": self._found_entry.address}
        data |= {f"found{suffix}": self._found[mode].address for mode, suffix in _SUFFIXES.items()}
        data |= {"pool": self._pool.address, "previous": previous()}
        data |= {"thread_key": thread_key(), "limit_key": limit_key(), "untagger": untagger()}
        functions = host_functions()
        data |= {"host_functions": functions.base, "host_function_slots": functions.slots}
        for_units = [*SHARED, *COUNTED_LOOKUPS]
        names = [*for_units, *FOR_CALLBACKS, "call_host_function", "exited", "strictly", "untag", "put_found"]
        names += ["claim", "release", "handler", "thread_ended", "interrupt"]
        data["previous_interrupt"] = ctypes.addressof(self._watch.previous)
        self._shared = shared_code(shared() + handler_text() + load("signals/interrupt"), {**objects, **data}, names)
        self.symbols = {name: self._shared.address(name) for name in for_units}
        functions.set_code(self._shared.address("call_host_function"))
        self.callback_symbols = {name: self._shared.address(name) for name in FOR_CALLBACKS}
        self.symbols["strict_images"] = ctypes.addressof(self._strict_images)
        self._put_found = ctypes.PYFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)(self._shared.address("put_found"))
        if has_steps():
            # Not when it is needed: to import takes more stack than a handler has.
            from armexec.translate.execute.top_byte_ignore import untag

            self._untag_access = untag
            set_untagger(self._shared.address("untag"))
        install(self._shared)
        self._pool.use(self._shared)
        self._watch.use(self._pool, self._shared.address("interrupt"))
        instruction_budget.began.append(ask_again)
        guest_sizes.changed.append(ask_again)

    # -- images -------------------------------------------------------------------------------------------------
    def add(self, translator: CodeOwner) -> None:
        with self._lock:
            self._drop_dead()
            index = bisect_right(self._starts, translator.code.base)
            self._starts.insert(index, translator.code.base)
            self._translators.insert(index, weakref.ref(translator, self._forget))
            self._strict_images.value += translator.code.reads_fpsr

    def remove(self, translator: CodeOwner) -> None:
        """Find code by a translator no more: another one takes its place."""
        with self._lock:
            self._drop_dead()
            kept = [reference() is not translator for reference in self._translators]
            self._starts = [start for start, keep in zip(self._starts, kept, strict=True) if keep]
            self._translators = [found for found, keep in zip(self._translators, kept, strict=True) if keep]
            self._strict_images.value -= translator.code.reads_fpsr
        self.forget_found()

    def _forget(self, _: object) -> None:
        self.forget_found()

    def forget_found(self) -> None:
        """Code has gone, or there is better code: it is looked for again."""
        for found in (*self._found.values(), self._found_entry):
            found.clear()

    def _put(self, table: int, record: int) -> None:
        """Put a record of found code into a table. (The made code refers to the tables, so it comes after them.)"""
        self._put_found(table, record)

    def _drop_dead(self) -> None:
        alive = [
            (start, reference, found.code.reads_fpsr)
            for start, reference in zip(self._starts, self._translators, strict=True)
            if (found := reference()) is not None
        ]
        self._starts = [start for start, _, _ in alive]
        self._translators = [reference for _, reference, _ in alive]
        self._strict_images.value = sum(reads for _, _, reads in alive)

    def translator_at(self, address: int) -> CodeOwner | None:
        """The translator of the image that holds an address."""
        with self._lock:
            index = bisect_right(self._starts, address) - 1
            translator = self._translators[index]() if index >= 0 else None
        if translator is None or address >= translator.code.base + translator.code.size:
            return None
        return translator

    # -- calls --------------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Before an image is loaded: see that faults come here, and that stacks have their size. Raises HostError."""
        look()
        self._pool.fit_stacks()

    def _prepare(self, state: int, _b: int) -> int:
        if not getattr(self._local, "is_prepared", False):
            prepare_thread()
            remember_limit()
            self._local.is_prepared = True
        left, size = instruction_budget.instructions_left(), guest_sizes.sizes().stack
        if size is not None:
            state = self._pool.with_stack(size)
        if left is not None or size is not None:
            chosen = GuestState.from_address(state)
            chosen.limited = 1
            chosen.limit_cell = 0 if left is None else ctypes.addressof(left)
        return state

    # -- callbacks from translated code -------------------------------------------------------------------------------
    def _find(self, mode: Mode, state: int, pc: int) -> int:
        """The host code for an address that code of this mode goes to, 0 where there is none."""
        if pc == EXIT:
            return self._shared.address("exited")
        translator = self.translator_at(pc)
        if translator is None or pc & 3:
            return 0
        if GuestState.from_address(state).x[X30] == pc:
            translator.check_return(pc, GuestState.from_address(state).entry)
        if translator.code.reads_fpsr and not mode.is_strict:
            return self._shared.address("strictly")
        host = translator.state_function(pc, mode)
        if host:
            self._found[mode].add(pc, host)
        return host

    def _find_entry(self, state: int, pc: int) -> int:
        """The host code of a function that Python calls, which counts instructions."""
        translator = self.translator_at(pc)
        if translator is None:
            return 0
        is_strict = bool(GuestState.from_address(state).strict)
        host = translator.counted_entry(pc, is_strict=is_strict)
        if not is_strict:
            self._found_entry.add(pc, host)
        return host

    def _stop_within(self, address: int, pc: int) -> int:
        """Execute the instructions that are left, fewer than the block at `pc` has, and raise."""
        # Only now: it brings along the whole instruction set.
        from armexec.translate.instruction_limit import run_rest

        state, stack = self._pool.state(address)
        owner = self.translator_at(pc)
        left = ctypes.c_uint64.from_address(state.limit_cell)
        trap = run_rest(state, pc, left, owner.system_call if owner is not None else None)
        overflow = stack.overflow(trap.detail) if trap.kind in (TrapKind.READ, TrapKind.WRITE) else None
        to_error = owner.to_error if owner is not None else self._to_error
        raise to_error(Fault(trap, int(state.entry), None, overflow))

    def _system_call(self, _state: int, words: int) -> int:
        """Do a system call; see runtime/system_call.ll."""
        given = (ctypes.c_uint64 * 8).from_address(words)
        translator = self.translator_at(given[0])
        if translator is None or translator.system_call is None:
            return 2
        given[0] = translator.system_call(given[0], given[1], tuple(given[2:])) & (1 << 64) - 1
        return 1

    def _untag(self, state: int, context: int) -> int:
        try:
            return int(self._untag_access(state, context))
        except Exception:
            return 0

    def _interrupted(self, address: int, host_pc: int) -> None:
        """Called on a thread that runs guest code. The interpreter has run the handlers of signals by now."""
        if not is_over():
            return
        state, _ = self._pool.state(address)
        entry = int(state.entry)
        owner = self.translator_at(entry)
        unit = unit_at(host_pc)
        trap = Trap(TrapKind.TIME_LIMIT, entry)
        where: Callable[[], Trap] | None = None
        if unit is not None:
            owner = self.translator_at(unit.base) or owner
            where = partial(_place, trap, unit, host_pc, None, False)
        raise (owner.to_error if owner is not None else self._to_error)(Fault(trap, entry, where))

    def _raise(self, address: int) -> None:
        """Called with the GIL held, by an entry stub whose guest has trapped."""
        state, stack = self._pool.state(address)
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
