"""Engines run an image: on this processor, translated to its code, or instruction by instruction in Python."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from armexec.errors import HostError

if TYPE_CHECKING:
    from armexec.callbacks import HostFunction, HostFunctions, SystemCallHandler
    from armexec.engines.thread_local import GuestThread, ThreadBlocks
    from armexec.memory import Region, Sandbox, Step
    from armexec.objects import Image, Prototype, Resolve
    from armexec.translate.array_loops.loop import Loop

__all__ = [
    "ENGINES",
    "Engine",
    "LoadedImage",
    "SupportsCode",
    "SupportsFastCallbacks",
    "SupportsFastCalls",
    "SupportsLoops",
    "check_sandbox",
    "default_engine",
    "get_engine",
    "new_sandbox",
]


class LoadedImage(Protocol):
    """An image in memory, ready to be called."""

    image: Image
    region: Region
    """The memory, which is freed when nothing refers to it any more. It isn't there after `close`."""
    base: int
    """The address of the image's offset 0."""
    thread_blocks: ThreadBlocks | None
    """The thread-local variables of each thread; None without any."""
    sandbox: Sandbox | None
    """The sandbox that it is in. Then `base` is an address of the guest's."""
    steps: list[Step]
    """The operations on memory that placed the image, in order."""

    def bind(self, offset: int, prototype: Prototype) -> Callable[..., Any]:
        """A callable for the function at `offset`.

        It takes one Python int for each parameter, already in the range of the parameter's type (a pointer's
        address), or a float for a floating-point type, and returns an int in the range of the result's type, a float,
        or None for void. It raises an ExecutionError for what the guest does.

        Raises:
            SignatureError: the prototype has something the engine can't pass.
        """

    def bind_frame(self, offset: int) -> Callable[[int], None]:
        """A callable for the function at `offset`, of any type.

        It takes the address of a `CallFrame` with the registers and the stack of the call, and puts the result's
        registers into it. It raises
        an ExecutionError for what the guest does, and what a function of Python raises that the guest calls.
        """

    def redirect(self, offset: int, target: int | None) -> None:
        """Have calls of the function at `offset` go to an address instead; None: to itself again.

        Functions that were bound before are to be bound again. Those of this image's functions that Python calls aren't
        redirected, nor are calls that a function makes of itself.

        Raises:
            HostError: the engine can't.
        """

    @property
    def thread(self) -> GuestThread | None:
        """What `run_as` was given last."""

    @property
    def redirected(self) -> Mapping[int, int]:
        """By addresses of functions, where calls of them go instead."""

    @property
    def original_words(self) -> Mapping[int, int]:
        """By addresses, the guest's words where the engine has put others into the code."""

    @property
    def system_call(self) -> SystemCallHandler | None:
        """What does system calls; None: they are errors."""

    def answer_system_calls(self, handler: SystemCallHandler) -> None:
        """Have system calls of this image's code done by a function; without one they are errors.

        Raises:
            HostError: the engine can't.
        """

    def run_as(self, thread: GuestThread) -> None:
        """Have functions that are bound from now on run as one thread of the guest.

        Raises:
            HostError: the engine can't.
        """

    def close(self) -> None:
        """Let go of the memory. Functions that were bound before hold it, so it is freed after the last call."""


@runtime_checkable
class SupportsFastCalls(Protocol):
    """A loaded image whose functions can be called without a Python function and ctypes in between."""

    def make_fast_call(
        self, prototype: Prototype, bound: Callable[..., Any], call: Callable[..., Any], install: Callable[[Any], None]
    ) -> None:
        """Call `install`, now or later, with a callable that does what `call` does in less time, if one can be made.

        `bound` is what `bind` or `bind_frame` gave; `call` checks arguments and calls it.
        """


@runtime_checkable
class SupportsLoops(Protocol):
    """A loaded image that has loops of ufuncs as code."""

    def bind_loop(self, offset: int, prototype: Prototype, loop: Loop) -> tuple[int, object] | None:
        """The address of a PyUFuncGenericFunction of NumPy's for the function at `offset`, and what has to live as long
        as it is called. None where calls need more than that: a thread-local variable, or the lock of a thread.

        Exceptions of the guest are set when it returns.
        """


@runtime_checkable
class SupportsCode(Protocol):
    """A loaded image whose functions code of the host can call."""

    def bind_code(self, code: bytes, offset: int, parameters: int) -> Callable[..., None]:
        """A callable for code of one's own, which may be placed anywhere.

        It takes `parameters` ints, which the code gets as pointers, and after them the address of the function at
        `offset`. Faults and exceptions are as in functions of the image.

        Raises:
            HostError: the host gives no executable memory.
        """


@runtime_checkable
class SupportsFastCallbacks(Protocol):
    """An engine whose code can call functions of Python without a frame in between."""

    def make_fast_callback(
        self,
        host: HostFunction,
        prototype: Prototype,
        function: Callable[..., Any],
        convert: Callable[[Any], Any],
    ) -> None:
        """Have calls of a host function call `function` directly, now or later, if that can be done for its types.

        `convert` makes an int in range or a float of a result of another class, or raises.
        """


class Engine(Protocol):
    """One way to run an image."""

    name: str
    sandbox: Sandbox | None
    """Where its code is and what it can reach; None: all of this process."""

    def unavailable(self) -> str | None:
        """The reason why this engine can't run on this host, or None if it can."""

    def host_functions(self) -> HostFunctions:
        """The functions of Python that code on this engine can call.

        Raises:
            HostError: the host has no room for their addresses.
        """

    def load(self, image: Image, resolve: Resolve) -> LoadedImage:
        """Place the image in memory.

        Raises:
            LoadError: an undefined symbol that `resolve` doesn't know, or a relocation out of range.
            HostError: the host gives no memory, or the engine refuses the code.
        """


ENGINES = ("native", "translated", "reference")
"""The names, in order of preference."""


@cache
def _engine(name: str, tier: str) -> Engine:
    if name == "native":
        from armexec.engines.native import NativeEngine

        return NativeEngine()
    if name == "translated":
        from armexec.engines.translated import TranslatedEngine

        return TranslatedEngine(tier) if tier else TranslatedEngine()
    from armexec.engines.reference import ReferenceEngine

    return ReferenceEngine()


def default_engine() -> str:
    """`native` on an AArch64 host, else `translated`."""
    return "native" if platform.machine() in ("arm64", "aarch64") else "translated"


def check_sandbox(name: str | None) -> None:
    """Raises HostError if there is no engine of that name, if it can't run here, or has no sandboxes; None: the one
    that has."""
    engine = get_engine(name or "translated")
    if engine.name != "translated":
        raise HostError(f"the engine {engine.name!r} has no sandboxes: use 'translated'")


def new_sandbox(name: str | None = None) -> Engine:
    """A sandbox with an engine for the code in it: the one of that name, by default translated code.

    Raises:
        HostError: there is no such engine, it can't run here, or it has no sandboxes.
    """
    name = "translated" if name is None else name
    check_sandbox(name)
    from armexec.engines.sandboxed import SandboxedEngine

    tier = name.partition(":")[2]
    return SandboxedEngine(tier) if tier else SandboxedEngine()


def get_engine(name: str | None = None) -> Engine:
    """The engine of that name, or this host's default.

    `translated` may have its tier behind a colon: `translated:O2`.

    Raises:
        HostError: there is no such engine, or it can't run here.
    """
    if name is not None and not isinstance(name, str):
        raise HostError(f"an engine is chosen by its name, one of {', '.join(ENGINES)}, not by {name!r:.60}")
    name, _, tier = (name or default_engine()).partition(":")
    if name not in ENGINES:
        raise HostError(f"there is no engine {name!r}: choose one of {', '.join(ENGINES)}")
    if tier and name != "translated":
        raise HostError(f"the engine {name!r} has no tiers: only 'translated' has")
    engine = _engine(name, tier)
    reason = engine.unavailable()
    if reason is not None:
        raise HostError(f"the engine {name!r} can't run here: {reason}")
    return engine
