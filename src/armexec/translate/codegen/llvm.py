"""IR text to object files, through LLVM."""

from __future__ import annotations

import ctypes
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from armexec.errors import HostError
from armexec.forks import hold, in_child, no_fork
from armexec.translate.codegen.aborts import AbortGuard, LlvmAborted
from armexec.translate.codegen.shield import left_in_time, shielded
from armexec.translate.policy import DEFAULT, Policy
from armexec.translate.support.host_environment import initial_environment

if TYPE_CHECKING:
    from armexec.machines.llvm.builder import Host

__all__ = [
    "Stages",
    "compile_in_time",
    "compile_object",
    "compile_stages",
    "compiled_modules",
    "exact_attributes",
    "has_optimized",
    "host_features",
    "host_identity",
    "host_machine",
    "host_triple",
    "llvm",
    "unavailable",
]

_X86_64 = ("x86_64", "AMD64")
_PLAIN = "-avx2,-avx512f"
_LEVELS = {"first": 0, "O0": 0, "blocks": 1, "O1": 1, "O2": 2, "O3": 3}
_BLOCKS = ("sroa", "instruction_combine", "simplify_cfg")
"""The passes of the tier "blocks": those of O1 that the blocks of an address space gain by. They take a third of its
time."""


@contextmanager
def _no_callbacks() -> Iterator[None]:
    """Keep llvmlite from making ctypes callbacks when it is imported.

    It makes two for its object cache, which isn't used here, and on Linux CPython puts callbacks into a page that is
    writable and executable at once.
    """
    original = ctypes.CFUNCTYPE

    def functype(*arguments: Any, **options: Any) -> Any:
        prototype = original(*arguments, **options)
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith("llvmlite."):
            return prototype

        def null(cls: Any, *_: Any) -> Any:
            return prototype.__new__(cls)

        body = {"__new__": null, "__init__": lambda *_: None, "_flags_": prototype._flags_}
        body |= {"_argtypes_": prototype._argtypes_, "_restype_": prototype._restype_}
        metatype: Any = type(prototype)
        return metatype("NullFunction", (prototype,), body)

    ctypes.CFUNCTYPE = functype
    try:
        yield
    finally:
        ctypes.CFUNCTYPE = original


@cache
def llvm() -> Any:
    """llvmlite, initialized. Raises ImportError."""
    with _no_callbacks():
        import llvmlite.binding

    llvmlite.binding.initialize_native_target()
    llvmlite.binding.initialize_native_asmprinter()
    return llvmlite.binding


@cache
def unavailable() -> str | None:
    """Why nothing can be translated on this host, or None."""
    try:
        llvm()
    except (ImportError, OSError, RuntimeError) as error:
        return f"llvmlite doesn't work: {error}"
    return None


def host_machine() -> str:
    return platform.machine()


@cache
def _features() -> str:
    features = str(llvm().get_host_cpu_features().flatten())
    # Whether one of several numbers is a NaN: VTESTPD is slower, on Zen at least.
    return f"{features},+prefer-movmsk-over-vtest" if host_machine() in _X86_64 else features


@cache
def host_features() -> Host:
    """What this processor can do."""
    from armexec.machines.llvm.builder import Host

    features = frozenset(f[1:] for f in _features().split(",") if f.startswith("+"))
    is_arm = host_machine() in ("aarch64", "arm64")
    return Host(features, wide_atomics=is_arm or "cx16" in features, halves=is_arm or "f16c" in features)


def exact_attributes() -> str:
    """The attributes `#2`, of functions that preserve all registers.

    LLVM puts VZEROUPPER at the end even of those (LLVM 22), which clears what their callers hold in the upper halves of
    YMM registers; so it is kept from it.
    """
    if host_machine() not in _X86_64:
        return "attributes #2 = { nounwind }"
    return f'attributes #2 = {{ nounwind "target-features"="{_features()},-vzeroupper" }}'


def host_triple() -> str:
    """The host's triple. Its objects are ELF everywhere, which the linker reads (on macOS not run on hardware)."""
    triple = str(llvm().get_default_triple())
    return f"{triple}-elf" if sys.platform == "darwin" else triple


@cache
def host_identity() -> tuple[str, ...]:
    """All of the host that compiled code depends on: versions, platform, processor. Raises ImportError."""
    import llvmlite

    version = ".".join(map(str, llvm().llvm_version_info))
    name = llvm().get_host_cpu_name()
    return (llvmlite.__version__, version, sys.platform, host_machine(), host_triple(), name, _features())


class _Unlocked:
    """Functions of llvmlite's library without the lock that it holds around each call.

    LLVM is safe for threads that have contexts of their own, and a compilation in the background is not to make all
    others wait.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(llvm().ffi.lib, name)
        function = getattr(function, "_cfn", function)

        def call(*arguments: Any) -> Any:
            with no_fork():
                return function(*arguments) if _is_bare.yes else _guard().call(function, *arguments)

        setattr(self, name, call)
        return call


class _IsBare(threading.local):
    """Whether this thread's calls of LLVM aren't guarded: those that make the guard."""

    yes = False


_is_bare = _IsBare()


@cache
def _guard() -> AbortGuard:
    def make_object(text: str) -> bytes:
        _is_bare.yes = True
        try:
            return _object(text, "O0", 0, DEFAULT)
        finally:
            _is_bare.yes = False

    return AbortGuard(make_object)


_unlocked = _Unlocked()
_count_lock = hold(threading.Lock())
_compiled_modules = 0
_has_optimized = False


def compiled_modules() -> int:
    """How many modules LLVM has compiled in this process: what is found in the cache doesn't count."""
    return _compiled_modules


def has_optimized() -> bool:
    """Whether LLVM has optimized anything in this process: the first time takes it 10 ms longer."""
    return _has_optimized


def compile_object(
    text: str,
    *,
    tier: str,
    size: int = 0,
    policy: Policy = DEFAULT,
    stopping: Callable[[], bool] = lambda: False,
) -> bytes:
    """The object file that a text of `size` guest instructions becomes. Any number of threads may do this at once.

    `stopping` is asked now and then, and ends it by a HostError.

    Raises:
        HostError: LLVM refuses the text, which is a defect of armexec.
    """
    return _counted(tier, shielded, lambda: _object(text, tier, size, policy, stopping))


def compile_in_time(text: str, *, tier: str, size: int, policy: Policy) -> bytes:
    """The same for a thread that has a time limit. When it is over LLVM goes on, for the next one who asks.

    Raises:
        HostError: LLVM refuses the text, which is a defect of armexec.
        TimeIsOver: the thread's time is over.
    """

    return _counted(tier, partial(left_in_time, (text, tier, size, policy)), lambda: _object(text, tier, size, policy))


def _counted(tier: str, do: Callable[[Callable[[], bytes]], bytes], work: Callable[[], bytes]) -> bytes:
    global _compiled_modules, _has_optimized  # noqa: PLW0603
    with _count_lock:
        _compiled_modules += 1
    data = do(work)
    _has_optimized = _has_optimized or bool(_LEVELS[tier])
    return data


def _object(text: str, tier: str, size: int, policy: Policy, stopping: Callable[[], bool] = lambda: False) -> bytes:
    # Without its widest instructions LLVM combines less, and what its passes have folded isn't combined any more.
    other = "O0" if _LEVELS[tier] else "O1"
    for plain in (False, True):
        with suppress(LlvmAborted), _optimized(text, tier, size, policy, stopping, plain=plain) as (module, machine):
            return _emit(module, machine)
    with _optimized(text, other, size, policy, stopping, plain=True) as (module, machine):
        return _emit(module, machine)


class Stages(NamedTuple):
    """Texts that a text becomes: IR after LLVM's passes, and the host's assembly."""

    optimized: str
    assembly: str


def compile_stages(text: str, *, tier: str, size: int = 0, policy: Policy = DEFAULT) -> Stages:
    """The same work as that of `compile_object`, to be looked at. Raises HostError."""

    def compile_text() -> Stages:
        with _optimized(text, tier, size, policy) as (module, machine):
            optimized = str(module)
            return Stages(optimized, machine.emit_assembly(module))

    return shielded(compile_text)


@contextmanager
def _optimized(
    text: str,
    tier: str,
    size: int,
    policy: Policy,
    stopping: Callable[[], bool] = lambda: False,
    *,
    plain: bool = False,
) -> Iterator[tuple[Any, Any]]:
    """The module of a text after LLVM's passes, and the target machine to make code with. Raises HostError.

    `plain`: without the host's widest instructions.
    """
    context = llvm().create_context()
    try:
        module = _parse(text, context)
        try:
            if stopping():
                raise HostError("no longer wanted")
            with initial_environment(), _guest_loops if _LEVELS[tier] else nullcontext():
                machine = _optimize(module, tier, size, policy, inlines="alwaysinline" in text, plain=plain)
                if stopping():
                    raise HostError("no longer wanted")
                yield module, machine
        except LlvmAborted:
            module.detach()
            raise
        finally:
            module.close()
    except RuntimeError as error:
        raise HostError(f"LLVM refused translated code: {error}") from error
    except LlvmAborted:
        context.detach()
        _tools.abandon()
        raise
    finally:
        context.close()


def _parse(text: str, context: Any) -> Any:
    with llvm().ffi.OutputString() as error:
        module = llvm().ModuleRef(_unlocked.LLVMPY_ParseAssembly(context, text.encode(), error), context)
        # The parser lets through what the passes then abort the process over.
        if error or _unlocked.LLVMPY_VerifyModule(module, error):
            module.close()
            raise RuntimeError(str(error))
    return module


class _Tools(threading.local):
    """What a thread compiles with, by level and by what loops become: it takes a millisecond to make.

    Each run of a pass manager leaves callbacks with the pass builder, which all later runs call (llvmlite 0.50): so a
    builder serves `USES` runs. It isn't made for each, since 1.5 KB of it are lost.
    """

    USES = 16

    def __init__(self) -> None:
        self._machines: dict[tuple[int, bool], Any] = {}
        self._builders: dict[tuple[int, bool, bool, bool], tuple[Any, int]] = {}

    def machine(self, level: int, *, plain: bool) -> Any:
        """A target machine."""
        found = self._machines.get((level, plain))
        if found is None:
            target, name = llvm().Target.from_triple(host_triple()), llvm().get_host_cpu_name()
            features = f"{_features()},{_PLAIN}" if plain and host_machine() in _X86_64 else _features()
            found = self._machines[level, plain] = target.create_target_machine(
                cpu=name, features=features, opt=level, reloc="pic", codemodel="small", jit=True
            )
        return found

    def abandon(self) -> None:
        """LLVM has given up: none of these is used or freed any more."""
        for tool in (*self._machines.values(), *(builder for builder, _ in self._builders.values())):
            tool.detach()
        self._machines.clear()
        self._builders.clear()

    def builder(self, level: int, *, unrolls: bool, vectorizes: bool, plain: bool) -> Any:
        """A pass builder, for one run of a pass manager."""
        key = level, unrolls, vectorizes, plain
        builder, uses = self._builders.get(key, (None, 0))
        if not uses:
            options = llvm().create_pipeline_tuning_options(speed_level=level)
            if not unrolls:
                options.loop_unrolling = False
            if not vectorizes:
                options.loop_interleaving = options.loop_vectorization = False
            builder, uses = llvm().create_pass_builder(self.machine(level, plain=plain), options), self.USES
        self._builders[key] = builder, uses - 1
        return builder


_tools = _Tools()


class _GuestLoops:
    """While this is entered LLVM treats loops as the guest's code needs it.

    It leaves induction variables as they are: the guest's compiler has chosen them already, and ways out of loops need
    them as they were. With loop strength reduction recursion takes 1.2 times as long, a sieve 1.1 times. And it unrolls
    loops though they have a second, cold way out. Both are options of the process; others who use LLVM (Numba) get them
    back as they were.
    """

    _OPTIONS = ("-disable-lsr", "-unroll-runtime-other-exit-predictable")

    def __init__(self) -> None:
        self._lock = hold(threading.Lock())
        self._count = 0
        in_child(self._alone)

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._set("true")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self._set("false")

    def _alone(self) -> None:
        """Those who compiled are in the parent."""
        if self._count:
            self._count = 0
            self._set("false")

    def _set(self, value: str) -> None:
        for option in self._OPTIONS:
            llvm().set_option("armexec", f"{option}={value}")


_guest_loops = _GuestLoops()


def _optimize(module: Any, tier: str, size: int, policy: Policy, *, inlines: bool = True, plain: bool = False) -> Any:
    """Run the passes; the target machine to make the code with. `inlines`: something has to be inlined in any case."""
    level = _LEVELS[tier]
    machine = _tools.machine(level, plain=plain)
    if not level and not inlines:
        return machine
    small = not level or size <= policy.max_loops_optimized
    unrolls = small and policy.unrolling and policy.unrolling_by_cost
    builder = _tools.builder(level, unrolls=unrolls, vectorizes=small and policy.vectorization, plain=plain)
    if level and tier != "blocks":
        manager = builder.getModulePassManager()
    else:
        manager = llvm().create_new_module_pass_manager()
        for name in _BLOCKS if level else ("always_inliner",):
            getattr(manager, f"add_{name}_pass")()
    _unlocked.LLVMPY_RunNewModulePassManager(manager, module, builder)
    _dispose(manager)
    return machine


def _dispose(manager: Any) -> None:
    """Free a pass manager: llvmlite 0.50 doesn't, since `ObjectRef._dispose` hides the one that would (80 KB each)."""
    from llvmlite.binding import ffi, newpassmanagers

    if type(manager)._dispose is ffi.ObjectRef._dispose:
        newpassmanagers.NewPassManager._dispose(manager)


def _emit(module: Any, machine: Any) -> bytes:
    with llvm().ffi.OutputString() as error:
        buffer = _unlocked.LLVMPY_TargetMachineEmitToMemory(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    library = llvm().ffi.lib
    try:
        return ctypes.string_at(library.LLVMPY_GetBufferStart(buffer), library.LLVMPY_GetBufferSize(buffer))
    finally:
        library.LLVMPY_DisposeMemoryBuffer(buffer)
