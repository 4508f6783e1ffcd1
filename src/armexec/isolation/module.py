"""Modules whose code runs in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from armexec.backtraces import Backtrace, Frame
from armexec.engines import check_sandbox
from armexec.errors import Error, ExecutionError, SignatureError
from armexec.isolation.callables import Callables, imported
from armexec.isolation.pointers import WorkerMemory
from armexec.isolation.process import WorkerProcess
from armexec.isolation.protocol import CallbackReference, Request
from armexec.isolation.session import Session
from armexec.isolation.worker_calls import WorkerCalls
from armexec.module.function import Function
from armexec.module.guest_callbacks import Callback
from armexec.module.imports import Import
from armexec.module.links import Links
from armexec.module.module import Module
from armexec.module.settings import Origin, Settings
from armexec.module.signatures import replaced_prototype
from armexec.objects import Image
from armexec.objects.names import source_name
from armexec.own_names import own_method

if TYPE_CHECKING:
    from armexec.abi.values.globals import Globals
    from armexec.errors import Diagnostic

__all__ = ["MEMORY", "IsolatedModule", "complete_error"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

MEMORY = 4 << 30
"""Bytes that a worker may map for the guest by default."""


class IsolatedModule(Module):
    """A module in a process of its own, a worker, that can do nothing but run the guest and talk to this process.

    It is used as a Module is. A worker that has ended is replaced at the next call; the module's variables then have
    their initial values. Threads of this process take turns. Differences: arguments are copied to the worker, and what
    the guest has changed back when the call ends; `globals` are copies; pointers are addresses of the worker.
    """

    def __init__(
        self,
        image: Image,
        engine: str | None = None,
        *,
        imports: Mapping[str, Import] | None = None,
        settings: Settings | None = None,
        assembly: Callable[[], str] | None = None,
        diagnostics: tuple[Diagnostic, ...] = (),
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Start a worker and have it place `image` in memory and run its initializers. See `Module`.

        Raises:
            LoadError: as Module does, or an import is no function of Python.
            HostError: the engine can't run here, or a worker can't be started or confined.
            ExecutionError: an initializer failed.
            WorkerCrashed: the worker ended in one.
        """
        settings = settings or Settings(isolate="process")
        # What else there is holds in the worker.
        self._settings = replace(settings, isolate=None, files=None, memory_limit=None)
        # Initializers and finalizers have the other limits there, each of them.
        self._timed = Settings(time_limit=settings.time_limit)
        self._given = dict(imports or {})
        origin = Origin(engine, self._given, settings)
        if settings.sandbox:
            check_sandbox(engine)
            engine = engine or "translated"
        self._begin(Links(image, engine, self._given), assembly, diagnostics, texts, origin)
        contents = _Contents(self._image, self._links.engine.name, engine, settings)
        memory = MEMORY if settings.memory_limit is None else settings.memory_limit
        self._session = contents.session = Session(self._image.name, memory, contents.request, contents.complete)
        self._callables = Callables(self._session)
        contents.imports = imported(self._image, self._given, self._callables)
        self._loaded = _InWorker(self._image, self._session)  # type: ignore[assignment]
        self._calls = WorkerCalls(self._session, self._callables.address)
        with self._timed.limits():
            self._session.worker  # noqa: B018  # started here, so that what is wrong is told here

    @property
    def worker(self) -> WorkerProcess:
        """The worker process: its `pid`, and the `sandbox` that confines it. A new one if it has ended.

        Raises:
            Error: the module is closed.
        """
        self._refuse_if_closed()
        return self._session.worker

    @property
    def missing(self) -> dict[str, list[str]]:
        given = {source_name(name) for name in imported(self._image, self._given, self._callables)}
        found = {source_name(name): list(users) for name, users in self._image.missing_symbols.items()}
        return {name: users for name, users in found.items() if name not in given}

    @cached_property
    def globals(self) -> Globals:
        """The variables by name: `mod.globals["counter"] = 5`. Their values are copies."""
        from armexec.isolation.variables import WorkerGlobals

        return WorkerGlobals(self._image, self._session, self._held_memory, self._callables.address)

    @cached_property
    def _memory(self) -> WorkerMemory:  # type: ignore[override]
        return WorkerMemory(self._session)

    def _held_memory(self) -> Any:
        self._refuse_if_closed()
        return self._loaded, None

    def _redirect(self, original: Function, replacement: Callable[..., Any] | None) -> None:
        """As Module's, until the worker ends. The replacement is a callable of Python, or a function of this module."""
        self._refuse_if_closed()
        target: CallbackReference | int | None = None
        if isinstance(replacement, Function):
            if replacement.module is not self:
                raise SignatureError(f"{replacement!r:.80} isn't code of this module's worker process")
            target = replacement.offset
        elif isinstance(replacement, Callback):
            target = self._callables.reference(replacement.function, replacement.prototype)
        elif replacement is not None:
            target = self._callables.reference(replacement, replaced_prototype(original.prototype, original.name))
        self._session.ask(Request.REPLACE, (original.offset, target))
        self._replacements[original.offset] = replacement

    @own_method
    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the image as they are in the worker's memory now.

        Raises:
            Error: the module is closed, or the image has no such bytes.
        """
        self._check_range(offset, size)
        self._refuse_if_closed()
        with self._session.turn("read"):
            return self._session.ask(Request.READ, (self._loaded.base + offset, size), size)

    @own_method
    def close(self) -> None:
        """Destroy static objects, call functions that are destructors, and end the worker. A second `close` does
        nothing.

        Raises:
            ExecutionError: a destructor failed; the worker is ended.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for function in list(self._made):
                function._unbind()
        with self._timed.limits():
            self._session.close()


class _Contents:
    """What each worker is told to load. It refers to the module's session, but not to the module."""

    imports: Mapping[str, CallbackReference]
    session: Session

    def __init__(self, image: Image, name: str, engine: str | None, settings: Settings) -> None:
        self._image = image
        self._small = image.without_debug_info()
        # With its tier, if it has one.
        self._engine = engine if engine is not None and engine.partition(":")[0] == name else name
        self._settings = replace(settings, isolate=None)

    def request(self) -> tuple[Request, tuple[Any, ...]]:
        """The request to load the module, and what it says."""
        return Request.LOAD, (self._small, self._engine, self.imports, self._settings)

    def complete(self, error: Error) -> None:
        """Add the source lines to an exception, which a worker doesn't know."""
        complete_error(error, self._image, self.session.base)


def complete_error(error: Error, image: Image, base: int) -> None:
    """Add the source lines to an exception of code in an image at `base`, where it has none."""
    if not isinstance(error, ExecutionError):
        return

    def with_line(frame: Frame) -> Frame:
        line = None if frame.file else image.line_of(frame.pc - base)
        return frame if line is None else frame._replace(file=line.file, line=line.line)

    backtrace = error.backtrace
    error.backtrace = Backtrace([with_line(frame) for frame in backtrace], backtrace.rest)
    pc = getattr(error, "pc", None)
    if not isinstance(pc, int) or error.source:
        return
    line = image.line_of(pc - base)
    if line is None:
        return
    before = str(error)
    error.source = f"{line.file}:{line.line}"
    if before == error.args[0]:
        error.args = (error._render(),)


class _InWorker:
    """The image in a worker's memory, as far as a Module knows it."""

    thread_blocks = None
    sandbox = None

    def __init__(self, image: Image, session: Session) -> None:
        self.image = image
        self._session = session
        self.steps: list[Any] = []

    @property
    def base(self) -> int:
        """The address of the image's offset 0 in the worker."""
        return self._session.base
