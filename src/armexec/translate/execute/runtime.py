"""What translated code needs from Python while it runs: states to run on, code found on the way, exceptions.

There is one for the process. Translated code calls back for a state when the pool is empty, for a function that isn't
translated yet, and when the guest has trapped; nothing of this is on the path of a call that goes well.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from armexec.callbacks import HostFunctionRange, host_functions
from armexec.cpu.registers import X30
from armexec.errors import ExecutionError
from armexec.machines.addresses import CACHE_LINE
from armexec.machines.traps import EXIT, Trap, TrapKind
from armexec.memory import EXECUTABLE_RANGES, GuestStack, Overflow, SandboxMemory
from armexec.resource_limits import guest_sizes, instruction_budget
from armexec.resource_limits.deadlines import is_over
from armexec.translate.array_loops.threads import current_thread_state, failed_key, refuse_length
from armexec.translate.code_owners import CodeOwner, CodeOwners
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.fault import Fault, accessed_address, place
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
from armexec.translate.execute.host_frames import GuestCalls, Tables, keep
from armexec.translate.execute.host_stack import host_overflow, is_host_overflow, limit_key, remember_limit
from armexec.translate.execute.linked_unit import LinkedUnit, unit_at
from armexec.translate.execute.state_pool import StatePool
from armexec.translate.execute.watch import Watch
from armexec.translate.guest_state import GuestState
from armexec.translate.mode import COUNTED, NONSPECULATIVE, SPECULATIVE, STRICT, Mode
from armexec.translate.policy import DEFAULT
from armexec.translate.support.load import load
from armexec.translate.support.runtime_ir import COUNTED_LOOKUPS, FOR_CALLBACKS, INTERPRETERS, SHARED, shared
from armexec.translate.written.cold_code import ColdCode
from armexec.translate.written.table import WrittenCode

if TYPE_CHECKING:
    from armexec.translate.codegen.host_frames import HostFrames

__all__ = ["Runtime", "lookup_name"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


_SUFFIXES = {SPECULATIVE: "", NONSPECULATIVE: "_nonspeculative", STRICT: "_strict"}
_SUFFIXES |= {COUNTED[mode]: f"_counted{suffix}" for mode, suffix in _SUFFIXES.items()}
"""By mode, how the names end of what finds its code (`support/runtime/find_code.ll`)."""


def lookup_name(mode: Mode) -> str:
    """The function by which code of a mode finds what no table has yet."""
    return f"{_SUFFIXES[mode][1:] or 'lookup'}_slowly"


_INTERPRETED = dict(zip((SPECULATIVE, NONSPECULATIVE, STRICT), INTERPRETERS, strict=True))
"""By mode, what interprets code for it. What counts instructions has none."""


_runtimes: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _tables(host_pc: int) -> Tables | None:
    """What describes the code at an address of the host. Raises HostError."""
    for runtime in list(_runtimes):
        shared = runtime.tables(host_pc)
        if shared is not None:
            return shared
    unit = unit_at(host_pc)
    if unit is None or not unit.host.begin <= host_pc < unit.host.end:
        return None
    frames = unit.host_frames()
    return None if frames is None else Tables(unit.host.begin, frames, unit)


class Runtime:
    """`to_error` makes the exception of a fault that is in no image; `word_at` gives it the words of the code.
    `release_stack` is called with the begin and the end of the stack of a call that doesn't return.

    Code of images, and code that the guest writes while it runs, is found by its address alike.

    A sandbox has one of its own: then `memory` is that of the sandbox, `functions` are the functions of Python that its
    code finds, and `watch` is that of the process's runtime, which exists by then. So its code finds nothing but what
    is in the sandbox, and these functions. Code that it writes isn't found at all.
    """

    def __init__(
        self,
        new_stack: Callable[[int | None], GuestStack],
        to_error: Callable[..., Exception],
        release_stack: Callable[[int, int], None],
        *,
        memory: SandboxMemory | None = None,
        functions: HostFunctionRange | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.to_error = to_error
        self._release_stack = release_stack
        self._memory = memory
        self.functions = functions = functions or host_functions()
        self._local = threading.local()
        self.watch = watch or Watch()
        self._pool = StatePool(new_stack, self.watch.wake)
        self._found = {mode: FoundCode(self._put) for mode in _SUFFIXES}
        self._found_entry = FoundCode(self._put)
        self._written: WrittenCode[CodeOwner] = WrittenCode(self.forget_found, is_told=memory is None)
        self._owners = CodeOwners(self._written.reads_fpsr)
        self._cold = ColdCode()
        self._callbacks = {
            **{f"find{suffix}": partial(self._find, mode) for mode, suffix in _SUFFIXES.items()},
            "find_entry": self._find_entry,
            "stop_object": self._stop_within,
            "system_call_object": self._system_call,
            "invalidate_object": self._invalidate,
            "interpret": self._interpret,
            "untag_object": self._untag,
            **self._pool.callbacks,
            "interrupted_object": self._interrupted,
            "prepare": self._prepare,
            "ended": self._ended,
            "raiser": self._raise,
            "length_object": refuse_length,
        }
        # An object of CPython is at its id; the dictionary keeps them.
        objects = {name: id(callback) for name, callback in self._callbacks.items()}
        data = {"found_entry": self._found_entry.address}
        data |= {f"found{suffix}": self._found[mode].address for mode, suffix in _SUFFIXES.items()}
        data |= dict(zip(("written_begin", "written_end"), self._written.bounds, strict=True))
        data |= {"pool": self._pool.address, "previous": previous()}
        data |= {"thread_key": thread_key(), "limit_key": limit_key(), "untagger": untagger()}
        data |= {"host_functions": functions.base, "host_function_slots": functions.slots}
        for_units = [*SHARED, *COUNTED_LOOKUPS]
        names = [*for_units, *FOR_CALLBACKS, *INTERPRETERS, "call_host_function", "exited", "strictly", "untag"]
        names += ["put_found", "clear_found", "stack_pointer", "claim", "release", "handler", "thread_ended"]
        names += ["interrupt"]
        data |= {"failed_key": failed_key(), "current_thread_state": current_thread_state()}
        data["previous_interrupt"] = ctypes.addressof(self.watch.previous)
        data["overdue"] = ctypes.addressof(self.watch.overdue)
        text = shared(host_functions_size=functions.size) + handler_text() + load("signals/interrupt")
        self._shared = shared_code(text, {**objects, **data}, names)
        self._shared_text = text
        self._shared_frames: HostFrames | None = None
        self.symbols = {name: self._shared.address(name) for name in for_units}
        functions.set_code(self._shared.address("call_host_function"))
        self.callback_symbols = {name: self._shared.address(name) for name in FOR_CALLBACKS}
        self.symbols["strict_images"] = self._owners.strict_images
        self._put_found = ctypes.PYFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)(self._shared.address("put_found"))
        clear_found = ctypes.PYFUNCTYPE(None, ctypes.py_object)(self._shared.address("clear_found"))
        self._clear_found = self._owners.forget = clear_found
        self._stack_pointer = ctypes.PYFUNCTYPE(ctypes.c_uint64)(self._shared.address("stack_pointer"))
        self._pool.use(self._shared)
        _runtimes.add(self)
        if watch is not None:
            watch.add(self._pool)
            return
        if has_steps():
            # Not when it is needed: to import takes more stack than a handler has.
            from armexec.translate.execute.top_byte_ignore import untag

            self._untag_access = untag
            set_untagger(self._shared.address("untag"))
        install(self._shared)
        self.watch.use(self._pool, self._shared.address("interrupt"))
        instruction_budget.began.append(ask_again)
        guest_sizes.changed.append(ask_again)

    # -- images -------------------------------------------------------------------------------------------------
    def add(self, translator: CodeOwner) -> None:
        """Find the code of an image by its translator."""
        self._owners.add(translator)

    def remove(self, translator: CodeOwner) -> None:
        """Find code by a translator no more: another one takes its place."""
        try:
            self._owners.remove(translator)
        finally:
            self.forget_found()

    def forget_found(self) -> None:
        """Code has gone, or there is better code: it is looked for again."""
        self._clear_found(None)

    def _put(self, table: int, record: int) -> None:
        """Put a record of found code into a table. (The made code refers to the tables, so it comes after them.)"""
        self._put_found(table, record)

    def translator_at(self, address: int) -> CodeOwner | None:
        """The translator of the image that holds an address, or of code that was written there."""
        return self._owners.at(address) or self._written.at(address)

    # -- calls --------------------------------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Before an image is loaded: see that faults come here, and that stacks have their size. Raises HostError."""
        look()
        self._pool.fit_stacks()
        self._written.free(self._pool.claimed, self._stack_pointer)

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
        if pc & 3:
            return 0
        translator = self._owners.at(pc)
        if translator is None:
            return self._find_written(mode, state, pc)
        host = self._host_code(translator, mode, state, pc)
        if host:
            self._found[mode].add(pc, host)
        return host

    def _find_written(self, mode: Mode, state: int, pc: int) -> int:
        """The host code for an address that is in no image."""
        if self._memory is not None:
            # What others have written is at addresses of the host.
            return 0
        caller = self._owners.at(GuestState.from_address(state).entry)
        if caller is None:
            return 0
        self._written.free(self._pool.claimed, self._stack_pointer)
        while True:
            translator = self._written.find(pc)
            if translator is None and mode in _INTERPRETED and self._is_interpreted(pc, caller):
                return self._shared.address(_INTERPRETED[mode])
            translator = translator or self._written.make(pc, caller.another)
            if translator is None:
                return 0
            if translator.code.reads_fpsr:
                self._owners.count_strict()
            host = self._host_code(translator, mode, state, pc)
            with self._written.lock:
                if self._written.is_valid(translator):
                    if host:
                        self._found[mode].add(pc, host)
                    return host

    def _is_interpreted(self, pc: int, caller: CodeOwner) -> bool:
        """Whether code that was written is still to be interpreted."""
        if (
            EXECUTABLE_RANGES.at(pc) is None
            or not caller.interprets
            or not self._cold.is_cold(pc, caller.policy.max_interpreted)
        ):
            return False
        # The interpreter's accesses to memory aren't those that threads may rely on.
        if any(state.thread != threading.get_ident() for state in self._pool.claimed()):
            return False
        self._written.note(pc)
        return True

    def _interpret(self, address: int, link: int) -> int:
        """Interpret code; see runtime/interpreted.ll."""
        state, stack = self._pool.state(address)
        caller = self._owners.at(state.entry)
        if caller is None or self._memory is not None:
            return 0
        try:
            return self._cold.interpret(state, link, caller.policy.max_interpreted, caller.system_call)
        except Trap as trap:
            overflow = stack.overflow(trap.detail) if trap.kind in (TrapKind.READ, TrapKind.WRITE) else None
            raise self.to_error(Fault(trap, int(state.entry), None, overflow)) from None

    def _host_code(self, translator: CodeOwner, mode: Mode, state: int, pc: int) -> int:
        if GuestState.from_address(state).x[X30] == pc:
            translator.check_return(pc, GuestState.from_address(state).entry)
        if translator.code.reads_fpsr and not mode.is_strict:
            return self._shared.address("strictly")
        return translator.state_function(pc, mode)

    def _invalidate(self, _state: int, line: int) -> int:
        """The guest has said that code may be another in a line of the cache."""
        if self._memory is None:
            EXECUTABLE_RANGES.changed(line, line + CACHE_LINE)
        return 1

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
        answer = owner.system_call if owner is not None else None
        calls = GuestCalls(keep(address), _tables)
        trap = run_rest(state, pc, left, answer, self._memory)
        overflow = stack.overflow(trap.detail) if trap.kind in (TrapKind.READ, TrapKind.WRITE) else None
        raise self._errors(None, owner)(Fault(trap, int(state.entry), None, overflow, calls))

    def _system_call(self, state: int, words: int) -> int:
        """Do a system call; see runtime/system_call.ll."""
        given = (ctypes.c_uint64 * 8).from_address(words)
        # What the guest has written belongs to whom Python has called.
        translator = self._owners.at(given[0]) or self._owners.at(GuestState.from_address(state).entry)
        if translator is None or translator.system_call is None:
            return 2
        pc, entry = given[0], int(GuestState.from_address(state).entry)
        try:
            given[0] = translator.system_call(pc, given[1], tuple(given[2:])) & (1 << 64) - 1
        except ExecutionError as error:
            calls = GuestCalls(keep(state), _tables)
            translator.to_error(Fault(Trap(TrapKind.SUPERVISOR_CALL, pc), entry, calls=calls, error=error))
            raise
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
        # The handler is that of the process's runtime, and the code may be a sandbox's.
        own = next((runtime for runtime in list(_runtimes) if runtime.has_state(address)), self)
        own.end_in_time(address, host_pc)

    def has_state(self, address: int) -> bool:
        """Whether the state at an address is of its pool."""
        return self._pool.has(address)

    def end_in_time(self, address: int, host_pc: int) -> NoReturn:
        """Raise the exception for a call whose time is over."""
        state, _ = self._pool.state(address)
        entry = int(state.entry)
        owner = self.translator_at(entry)
        unit = unit_at(host_pc)
        trap = Trap(TrapKind.TIME_LIMIT, entry)
        where: Callable[[], Trap] | None = None
        if unit is not None:
            where = partial(place, trap, unit, host_pc, None, False)
        raise self._errors(unit, owner)(Fault(trap, entry, where, calls=GuestCalls(keep(address), _tables)))

    def _ended(self, address: int, _b: int) -> int:
        """A call ends by a trap, or by an exception of Python."""
        _, stack = self._pool.state(address)
        self._release_stack(stack.address, stack.top)
        return 1

    def _raise(self, address: int) -> None:
        """Called with the GIL held, by an entry stub whose guest has trapped."""
        state, stack = self._pool.state(address)
        kind, detail, entry = TrapKind(state.trap_kind), int(state.trap_detail), int(state.entry)
        owner = self.translator_at(entry)
        unit: LinkedUnit | None = None
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
            host_address = detail
            if self._memory is not None:
                detail = detail - self._memory.base & 0xFFFF_FFFF_FFFF_FFFF
            is_blind = self._memory is None and not detail and state.host_code == SI_KERNEL
            if is_blind:
                host_address = detail = accessed_address(state)
            trap = Trap(kind, entry, detail)
            unit = unit_at(host_pc)
            if unit is not None:
                where = partial(place, trap, unit, host_pc, unit.code.fetch, is_blind)
            is_host = is_host_overflow(host_address, state.host_sp)
            overflow = host_overflow() if is_host else stack.overflow(detail)
        calls = GuestCalls(keep(address), _tables)
        raise self._errors(unit, owner)(Fault(trap, entry, where, overflow, calls))

    def tables(self, host_pc: int) -> Tables | None:
        """What describes the code at an address of the host that units share. Raises HostError."""
        code = self._shared
        if not code.begin <= host_pc < code.end:
            return None
        if self._shared_frames is None:
            from armexec.translate.codegen.host_frames import HostFrames

            self._shared_frames = HostFrames(self._shared_text, "O0", 0, DEFAULT)
        if not self._shared_frames.describes(ctypes.string_at(code.begin, code.end - code.begin)):
            return None
        return Tables(code.begin, self._shared_frames, None)

    def _errors(self, unit: LinkedUnit | None, owner: CodeOwner | None) -> Callable[[Fault], Exception]:
        """What makes the exception of a fault in a unit; in other code it is for `owner`."""
        if unit is not None:
            if unit.code.valid is not None and self._memory is None:
                return partial(self.to_error, word_at=unit.code.fetch)
            owner = self._owners.at(unit.base) or owner
        return owner.to_error if owner is not None else self.to_error
