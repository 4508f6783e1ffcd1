"""The translated engine: guest functions become host functions through LLVM."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from armexec.abi import calling_convention, passes_scalars_in_registers, place_in_registers
from armexec.abi.floats import with_half_bits
from armexec.abi.placement import MAX_REGISTER_ARGUMENTS, Part
from armexec.callbacks import HostFunction, HostFunctions, SystemCallHandler, host_functions
from armexec.cpu.registers import Kind, Register
from armexec.engines.c_types import integer_class
from armexec.engines.guards import release_guards
from armexec.engines.loading import map_image
from armexec.engines.thread_local import GuestThread, thread_blocks
from armexec.errors import ExecutionError, HostError
from armexec.memory import Region, Sandbox, SandboxMemory, Step, execution_refused, guest_stack
from armexec.objects import Image, Prototype, Resolve
from armexec.objects.code_pointers import address_taken_functions, function_tables
from armexec.objects.fingerprint import fingerprint
from armexec.objects.symbolize import function_name, line
from armexec.store import is_on
from armexec.translate.codegen import llvm as host
from armexec.translate.execute.fault import Fault
from armexec.translate.execute.runtime import Runtime
from armexec.translate.execute.translator import Translator
from armexec.translate.mode import reads_fpsr
from armexec.translate.policy import Policy, policy_from_environment
from armexec.translate.tiers import AUTO, OPTIMIZED, TIERS, wait
from armexec.translate.unit_registry import Argument, CodeSource, Names, Shape

if TYPE_CHECKING:
    from armexec.translate.array_loops.loop import Loop
    from armexec.translate.observe.dump import Dump

__all__ = ["TranslatedEngine", "process_runtime", "settle", "translated_error"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


def settle(timeout: float) -> bool:
    """Wait at most `timeout` seconds for optimization in the background to end. True if there was any."""
    if wait(0):
        return False
    wait(timeout)
    return True


@cache
def process_runtime() -> Runtime:
    """What code runs on that is in no sandbox."""
    return Runtime(guest_stack, translated_error, release_guards)


def _c_type(part: Part) -> Any:
    """The ctypes class of a parameter or the result of an entry stub."""
    # ctypes has no half precision: its bits are passed. The stub converts between float and double.
    return integer_class(part) or (ctypes.c_uint16 if part.size == 2 else ctypes.c_double)


def _argument(part: Part) -> Argument:
    assert isinstance(part.place, Register)
    is_float = part.place.kind is Kind.VECTOR
    return Argument(part.place.n, part.size * 8, part.format == "signed", is_float)


def translated_error(
    fault: Fault,
    image: Image | None = None,
    base: int = 0,
    word_at: Callable[[int], int | None] | None = None,
    memory: SandboxMemory | None = None,
) -> Exception:
    # Imported when it is needed: it imports the whole instruction set.
    from armexec.engines.faults import to_error

    more = {} if memory is None else {"memory": memory}
    error = fault.error or to_error(
        fault.trap, image, base, overflow=fault.overflow, where=fault.where, entry=fault.entry, word_at=word_at, **more
    )
    if fault.calls is not None and isinstance(error, ExecutionError) and not error.is_told:
        from armexec.engines.backtraces.translated import translated_details

        start = 0 if memory is None else memory.base
        error.tell_later(**translated_details(fault, fault.calls, image, base, start))
    return error


def _dump() -> Dump | None:
    """What the environment asks to be shown of translations. Raises HostError."""
    if not os.environ.get("ARMEXEC_DUMP"):
        return None
    # Only now: it brings along the whole instruction set.
    from armexec.translate.observe.dump import dump_from_environment

    return dump_from_environment()


class LoadedTranslatedImage:
    """An image whose code is read, and run as host code of its own."""

    def __init__(
        self,
        image: Image,
        region: Region,
        resolve: Resolve,
        tier: str,
        policy: Policy,
        dump: Dump | None,
        runtime: Runtime,
        sandbox: Sandbox | None = None,
    ) -> None:
        self.image = image
        self.region = region
        self.sandbox = sandbox
        self._runtime = runtime
        self.base = region.address if sandbox is None else region.address - sandbox.base
        self.steps: list[Step] = region.steps
        self.thread_blocks = thread_blocks(image, region, sandbox)
        self._thread_pointer = self.thread_blocks.pointer if self.thread_blocks is not None else None
        self._thread: GuestThread | None = None
        ranges = [(s.offset, s.data) for s in image.segments if s.executable]
        words = {offset: region.read(offset, len(data)) for offset, data in ranges}
        code_size = max((offset + len(data) for offset, data in ranges), default=0)

        # They hold no more than they need: what refers to itself stays until Python looks for such things.
        base = self.base

        def fetch(address: int) -> int | None:
            at = address - base
            for offset, data in words.items():
                if offset <= at and at + 4 <= offset + len(data) and not at & 3:
                    return int.from_bytes(data[at - offset : at - offset + 4], "little")
            return None

        constant = [(s.offset, s.size) for s in image.segments if not s.writable]
        found = fingerprint(image, resolve) if is_on() else None
        dependent = found.address_dependent if found is not None else ()

        def read(address: int, size: int) -> bytes | None:
            at = address - base
            # A kept translation mustn't know addresses.
            if dependent and any(offset in dependent for offset in range(at & -4, at + size, 4)):
                return None
            if any(offset <= at and at + size <= offset + length for offset, length in constant):
                return region.read(at, size)
            return None

        sees_fpsr = any(reads_fpsr(data) for data in words.values())
        address_taken = cache(lambda: tuple(base + offset for offset in address_taken_functions(image)))
        names = Names(lambda address: function_name(image, address - base), lambda address: line(image, address - base))
        tables = cache(lambda: [[base + offset for offset in table] for table in function_tables(image)])
        code = CodeSource(
            base,
            image.size,
            code_size,
            fetch,
            read,
            lambda: [(base + offset, data) for offset, data in words.items()],
            lambda: [base + function.offset for function in image.functions],
            sees_fpsr,
            address_taken,
            tables,
            names=names,
            memory=None if sandbox is None else sandbox.base,
        )
        if found is not None:
            code = code._replace(identity=found.digest, movable=lambda address: address - base not in dependent)
        self._new_translator: Callable[..., Translator] = partial(
            Translator,
            runtime,
            to_error=lambda fault: translated_error(
                fault, image, base, fetch, None if sandbox is None else sandbox.memory
            ),
            policy=policy,
            dump=dump,
        )
        self._tier = tier
        self.translator = self._new_translator(code, tier=tier)
        self._loops: dict[tuple[int, Shape], int] = {}

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        placement = place_in_registers(prototype, calling_convention(self.image))
        parameters = [part for parts in placement.arguments for part in parts]
        result: Any = None
        float_result = 0
        for part in placement.result:
            result = ctypes.c_bool if prototype.result.kind == "bool" else _c_type(part)
            float_result = part.size * 8 if integer_class(part) is None else 0
        pointer = self._thread_pointer
        shape = Shape(tuple(map(_argument, parameters)), float_result, thread_pointer=pointer is not None)
        address = self.translator.entry(self.base + offset, shape)
        types = [*map(_c_type, parameters), *([ctypes.c_uint64] if pointer is not None else [])]
        # PYFUNCTYPE: the stub gives up the GIL itself, and its exceptions are raised where it was called.
        function: Any = ctypes.PYFUNCTYPE(result, *types)(address)
        # The code lives as long as what calls it, and so does the image.
        function.memory = self.region, self.translator
        bound: Any = function if pointer is None else self._serialized(lambda *values: function(*values, pointer()))
        bound.address = address
        return with_half_bits(prototype, bound)

    def bind_frame(self, offset: int) -> Callable[[int], None]:
        pointer = self._thread_pointer
        shape = Shape(in_frame=True, thread_pointer=pointer is not None)
        types = [ctypes.c_void_p, *([ctypes.c_uint64] if pointer is not None else [])]
        address = self.translator.entry(self.base + offset, shape)
        function: Any = ctypes.PYFUNCTYPE(ctypes.c_int64, *types)(address)
        # The code lives as long as what calls it, and so does the image.
        function.memory = self.region, self.translator
        bound: Any = function if pointer is None else self._serialized(lambda frame: function(frame, pointer()))
        bound.address = address
        made: Callable[[int], None] = bound
        return made

    def bind_loop(self, offset: int, prototype: Prototype, loop: Loop) -> tuple[int, object] | None:
        if self._thread_pointer is not None or self._thread is not None or not passes_scalars_in_registers(prototype):
            return None
        placement = place_in_registers(prototype, calling_convention(self.image))
        arguments = tuple(_argument(part) for parts in placement.arguments for part in parts)
        float_result = sum(part.size * 8 for part in placement.result if integer_class(part) is None)
        key = offset, Shape(arguments, float_result, loop=loop)
        # Ufuncs come and go, and units stay.
        address = self._loops.get(key)
        if address is None:
            address = self._loops[key] = self.translator.entry(self.base + offset, key[1])
        return address, (self.region, self.translator)

    def redirect(self, offset: int, target: int | None) -> None:
        old = self.translator
        redirected = {at: to for at, to in old.code.redirected.items() if at != self.base + offset}
        if target is not None:
            redirected[self.base + offset] = target
        # What runs now goes on in the old translations. Those that are kept know nothing of this.
        old.close()
        self._loops.clear()
        self._runtime.remove(old)
        # Loops of the first tier would be found by the dispatcher, which goes to what stands for a function.
        tier = OPTIMIZED if redirected and self._tier == AUTO else self._tier
        code = old.code._replace(redirected=redirected, identity=None)
        self.translator = self._new_translator(code, tier=tier)
        self.translator.system_call = old.system_call

    @property
    def thread(self) -> GuestThread | None:
        return self._thread

    @property
    def redirected(self) -> Mapping[int, int]:
        return self.translator.code.redirected

    @property
    def original_words(self) -> Mapping[int, int]:
        return {}

    @property
    def system_call(self) -> SystemCallHandler | None:
        return self.translator.system_call

    def answer_system_calls(self, handler: SystemCallHandler) -> None:
        self.translator.system_call = handler

    def run_as(self, thread: GuestThread) -> None:
        self._thread = thread
        self.thread_blocks = thread.blocks()
        self._thread_pointer = self.thread_blocks.pointer

    def _serialized(self, bound: Callable[..., Any]) -> Callable[..., Any]:
        return bound if self._thread is None else self._thread.serialized(bound)

    def make_fast_call(
        self, prototype: Prototype, bound: Callable[..., Any], call: Callable[..., Any], install: Callable[[Any], None]
    ) -> None:
        """See engines.SupportsFastCalls. What only Python can convert is left to it, such as _Float16."""
        address = getattr(bound, "address", None)
        if address is None or not self.translator.policy.vectorcall:
            return
        sandbox = self.sandbox
        if sandbox is not None and not passes_scalars_in_registers(prototype):
            # What is passed by reference goes into the sandbox.
            return
        from armexec.engines.fast_calls import call_types, frame_call_types
        from armexec.translate.python_calls.vectorcall import Callee, make_later

        classes: tuple[type, ...] = ()
        if passes_scalars_in_registers(prototype):
            types = call_types(prototype)
        else:
            types, classes = frame_call_types(prototype, calling_convention(self.image))
        if types is None:
            return
        pointer, thread = self._thread_pointer, self._thread
        # What is called afterwards is left to Python.
        is_locked = thread is not None and not thread.has_afterwards
        state = thread.state if thread is not None and is_locked else 0
        types = replace(
            types,
            thread_pointer=pointer is not None,
            serialized=is_locked,
            keeps_state=is_locked and state != 0,
            sandbox=sandbox is not None,
        )
        callee = Callee(address, pointer, thread, state, classes, 0 if sandbox is None else sandbox.base)

        def give(fast: Callable[..., Any]) -> None:
            install(fast if thread is None or is_locked else staticmethod(thread.serialized(fast)))

        make_later(types, callee, call, give)

    def close(self) -> None:
        self.translator.close()
        del self.translator, self.region, self._thread_pointer
        self.thread_blocks = self._thread = None


class TranslatedEngine:
    """Runs on any host that LLVM makes code for.

    `tier`: O0, O1, O2 or O3 for LLVM's optimization; "auto": O2, in the background where that takes long. `policy`: by
    default what the environment asks for when an image is loaded.

    Raises:
        HostError: there is no such tier.
    """

    name = "translated"

    def __init__(self, tier: str = AUTO, policy: Policy | None = None) -> None:
        if tier not in (*TIERS, AUTO):
            raise HostError(f"there is no tier {tier!r}: choose one of {', '.join((*TIERS, AUTO))}")
        self.tier = tier
        self.policy = policy
        self.sandbox: Sandbox | None = None

    def _runtime(self) -> Runtime:
        """What the code runs on."""
        return process_runtime()

    def _policy(self) -> Policy:
        """How it is translated. Raises HostError."""
        return policy_from_environment() if self.policy is None else self.policy

    def unavailable(self) -> str | None:
        return host.unavailable() or execution_refused() or None

    def host_functions(self) -> HostFunctions:
        return host_functions()

    def load(self, image: Image, resolve: Resolve) -> LoadedTranslatedImage:
        policy = self._policy()
        runtime = self._runtime()
        runtime.prepare()
        region = map_image(image, resolve, executable=False, sandbox=self.sandbox)
        return LoadedTranslatedImage(image, region, resolve, self.tier, policy, _dump(), runtime, self.sandbox)

    def make_fast_callback(
        self,
        host: HostFunction,
        prototype: Prototype,
        function: Callable[..., Any],
        convert: Callable[[Any], Any],
    ) -> None:
        """See engines.SupportsFastCallbacks. It is made for integers and floating-point numbers in registers."""
        from armexec.engines.fast_calls import is_number, passed, returned

        types = [parameter.type for parameter in prototype.parameters]
        result = None if prototype.result.kind == "void" else prototype.result
        if not all(map(is_number, [*types, *([result] if result else [])])):
            return
        floats = sum(ctype.kind == "float" for ctype in types)
        if floats > MAX_REGISTER_ARGUMENTS or len(types) - floats > MAX_REGISTER_ARGUMENTS:
            return
        from armexec.translate.python_calls.callback import specialize_later

        callback_types = tuple(map(returned, types)), passed(result) if result else None
        specialize_later(host, callback_types, function, convert, self._runtime().callback_symbols)
