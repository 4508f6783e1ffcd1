"""Modules: code in memory whose functions Python calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from armexec.engines import LoadedImage
from armexec.errors import Error, LoadError, SignatureError
from armexec.forks import renew
from armexec.lines import Lines
from armexec.module.calls.loaded import LoadedCalls
from armexec.module.function import Function
from armexec.module.imports import Import
from armexec.module.initialization import Initialization
from armexec.module.links import Links
from armexec.module.settings import Origin, Settings
from armexec.module.signatures import described, prototype_of, replaced_prototype
from armexec.objects import FunctionSymbol, Image
from armexec.objects.names import bare_name
from armexec.own_names import FunctionList, OwnText, own_method

if TYPE_CHECKING:
    from armexec.abi.values.globals import Globals
    from armexec.abi.values.types import Types
    from armexec.errors import Diagnostic
    from armexec.memory import HostMemory, Region, SandboxMemory, Step
    from armexec.module.calls.protocol import Calls
    from armexec.objects import Prototype

__all__ = ["Module", "UnknownFunction"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class UnknownFunction(LoadError, AttributeError, LookupError):
    """No function of a module has that name. The message gives the nearest names."""


class Module:
    """Code and data in memory, ready to be called.

    A function is found as an attribute by its bare name (`mod.fn`), or by index: `mod["fn(int)"]`, `mod["ns::fn"]`,
    `mod["_Z2fni"]`; only by index where a module has an attribute of that name itself, such as `name` or `read`.
    Iterating gives the functions in the order of their addresses. `globals` has the variables, and `types` the types of
    structs and enums. A module is a context manager; its memory is freed by
    `close`, or when nothing refers to the module or its functions any more.
    """

    _calls: Calls

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
        """Place `image` in memory and run its initializers.

        Args:
            engine: "native", "translated" or "reference"; this host's default otherwise, but "translated" for code that
                needs the C library, which "native" doesn't have. "translated:O0" to "translated:O3" say how much is
                optimized.
            imports: what undefined symbols stand for, by their names: a Function, a Module that defines the symbol, or
                an address.
            settings: the limits of the module, of which those of calls hold for initializers and finalizers too; its
                files; and whether the code runs in a sandbox.
            assembly: gives the source text in assembly, where there is one.
            diagnostics: the warnings of the compiler or the assembler.
            texts: what the code was compiled from, by the names of files in the debug information.

        Raises:
            LoadError: a relocation is out of reach, or an import can't be used.
            HostError: the engine can't run here, or the host gives no memory.
            ExecutionError: an initializer failed.
        """
        self._settings = settings or Settings()
        links = Links(image, engine, imports or {}, sandbox=self._settings.sandbox)
        origin = Origin(engine, dict(imports or {}), self._settings)
        self._begin(links, assembly, diagnostics, texts, origin)
        self._loaded: LoadedImage = links.engine.load(self._image, links.resolve)
        links.attach(self._loaded)
        self._calls = LoadedCalls(self._loaded, links, self._settings, self._texts)
        self._initialization = Initialization(links.engine, self._loaded, self._settings)
        try:
            self._initialization.start(lambda: self._memory)
        except BaseException:
            self.close()
            raise

    def _begin(
        self,
        links: Links,
        assembly: Callable[[], str] | None,
        diagnostics: tuple[Diagnostic, ...],
        texts: Mapping[str, str] | None,
        origin: Origin,
    ) -> None:
        """Set what every module has, before its code is in memory."""
        self._links = links
        self._origin = origin
        self._image = links.image
        self._assembly = assembly
        self.diagnostics = diagnostics
        self._texts = dict(texts or {})
        self._made: weakref.WeakSet[Function] = weakref.WeakSet()
        self._by_symbol: dict[tuple[str, int], Function] = {}
        self._unpickled: dict[tuple[str, int, bytes], Function] = {}
        self._replacements: dict[int, Any] = {}
        self._closed = False
        # Held so that no function is bound to memory that another thread is freeing.
        self._lock = renew(self)

    @property
    def missing(self) -> dict[str, list[str]]:
        """The symbols that nothing defines, each with the functions that refer to it; by names as in the source.

        A use of one is an UndefinedSymbol error.
        """
        return self._links.missing()

    @property
    def name(self) -> str:
        """The file's name, or what stands for it."""
        return self._own("name", self._image.name)

    @property
    def engine(self) -> str:
        """The engine that runs the functions: "native", "translated" or "reference"."""
        return self._own("engine", self._links.engine.name)

    @property
    def image(self) -> Image:
        """The image that was loaded: sections, symbols, relocations, debug information."""
        return self._image

    @property
    def loaded(self) -> LoadedImage:
        """The image in memory, as the engine holds it."""
        return self._loaded

    @property
    def memory_steps(self) -> list[Step]:
        """The operations on memory that placed the image, in order."""
        return self._loaded.steps

    @property
    def closed(self) -> bool:
        """True once the memory has been given back."""
        return self._closed

    @cached_property
    def functions(self) -> FunctionList[Function]:
        """The functions in the order of their addresses; also by name: `mod.functions["fn"]`."""
        return FunctionList((self._function(symbol) for symbol in self._image.own_functions), self.__getitem__)

    @cached_property
    def types(self) -> Types:
        """The structs, unions, enums and typedefs of the debug information: `mod.types["point"](x=1, y=2)`."""
        from armexec.abi.values.types import Types

        return Types(self._image)

    @cached_property
    def globals(self) -> Globals:
        """The variables by name: `mod.globals["counter"] = 5`. Arrays are NumPy arrays, and
        structs are values, that are views of the guest's memory."""
        from armexec.abi.values.globals import Globals

        return Globals(self._image, self._held_memory, self._links.address_of_function)

    def _held_memory(self) -> tuple[LoadedImage, Region]:
        """What is in memory. It stays there as long as its region is referred to. Raises Error if it is closed."""
        with self._lock:
            self._refuse_if_closed()
            return self._loaded, self._loaded.region

    def _own(self, attribute: str, text: str) -> str:
        """The text of an attribute. Calling it says where the guest's function of that name is, if there is one."""
        return OwnText(text, attribute) if self._image.has_function(attribute) else text

    def _function(self, symbol: FunctionSymbol) -> Function:
        key = symbol.name, symbol.offset
        made = self._by_symbol.get(key)
        if made is None:
            made = self._by_symbol[key] = Function(self, symbol)
        return made

    def __iter__(self) -> Iterator[Function]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self._image.own_functions)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except LoadError:
            return False

    def __getitem__(self, name: str) -> Function:
        """The function of a source name, a bare name or a linkage name.

        Raises:
            UnknownFunction: there is none, or more than one.
        """
        if not isinstance(name, str):
            raise UnknownFunction(f"{self.name}: a function is found by its name, not by {name!r}")
        try:
            return self._function(self._image.function(name))
        except LoadError as error:
            raise UnknownFunction(str(error)) from None

    @own_method
    def replace(self, function: str | int, replacement: Callable[..., Any] | None) -> Function:
        """Have the guest call something else where it calls one of its functions: `mod.replace("malloc", mine)`.

        Args:
            function: its name, or its offset in the image in bytes.
            replacement: a callable, with the function's prototype; a Function; a Callback; or None: the function
                itself again.

        Returns:
            the function, which Python can still call: the original. What it calls of itself then isn't replaced.

        Raises:
            UnknownFunction: there is no such function.
            SignatureError: its prototype isn't known (give a Callback), or the replacement doesn't fit.
            HostError: the engine can't. `native` can't for functions that begin with a load of a literal into a vector
                register, and for those of stripped images.
        """
        if isinstance(function, str):
            original = self[function]
        else:
            original = self.at(function, "void()")
            if original._symbol.size or original._symbol.name in self:
                original = self._function(original._symbol)
        if replacement is not None and not callable(replacement):
            raise SignatureError(f"a function is replaced by a callable, not by {described(replacement)}")
        self._redirect(original, replacement)
        return original

    def _redirect(self, original: Function, replacement: Callable[..., Any] | None) -> None:
        """Have calls of a function go to a callable, or to the function itself."""
        address = None if replacement is None else self._links.address_of_guest(replacement)
        if replacement is not None and address is None:
            prototype = replaced_prototype(original.prototype, original.name)
            replacement = callback = self._links.callback(replacement, prototype)
            address = callback.address
        with self._lock:
            self._refuse_if_closed()
            self._loaded.redirect(original.offset, address)
            # It lives as long as it may be called.
            self._replacements[original.offset] = replacement
            self._initialization.link()
            for made in list(self._made):
                made._unbind()
                made._link_arrays()

    @own_method
    def at(self, offset: int, signature: str | Prototype) -> Function:
        """The function at an offset, where the image needs no symbol: `mod.at(0x1234, "int(int)")`.

        Args:
            offset: in bytes, as disassemblers of the file show it; for a shared library its address there.
            signature: a C prototype.

        Raises:
            LoadError: no instruction can be there.
            SignatureError: the prototype can't be read.
        """
        prototype = prototype_of(signature, self._image)
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise LoadError(f"{self.name}: an offset is an int, not {described(offset)}")
        if offset % 4 or not self._image.is_code(offset):
            why = "it is no multiple of 4" if offset % 4 else "there is no code"
            raise LoadError(f"{self.name}: no function can be at offset {offset:#x}: {why}")
        known = next((f for f in self._image.functions if f.offset == offset), None)
        name = prototype.name or f"{self._image.name}+{offset:#x}"
        return Function(self, known or FunctionSymbol(name, name, offset, 0, self._image), prototype)

    def __getattr__(self, name: str) -> Function:
        # Python and its tools look up many such names; none of them means a function of the guest.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        try:
            # Python finds it there the next time.
            found = self.__dict__[name] = self[name]
        except UnknownFunction as error:
            error.name, error.obj = name, self
            raise
        return found

    def __dir__(self) -> list[str]:
        names = (bare_name(symbol.source_name) for symbol in self._image.own_functions)
        return sorted({*super().__dir__(), *(name for name in names if name.isidentifier())})

    def _ipython_key_completions_(self) -> list[str]:
        """The names that complete `mod[...]`."""
        names = [symbol.source_name for symbol in self._image.own_functions]
        return sorted({*names, *map(bare_name, names)})

    def __repr__(self) -> str:
        names = [symbol.source_name for symbol in self._image.own_functions]
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        state = "closed" if self._closed else self.engine
        return f"<Module {self.name!r} {state}: {shown or 'no functions'}>"

    def _repr_html_(self) -> str:
        """The functions as a table, for notebooks."""
        from armexec.html import table

        rows = (
            (f.source_name, str(f.prototype or ""), f"+0x{f.offset:x}", f"{f.extent} bytes")
            for f in self._image.own_functions
        )
        return table(self.name, ("function", "signature", "offset", "size"), rows, detail=self.engine)

    @property
    def assembly(self) -> str:
        """The assembly that the code was made from: the compiler's output of -S, or the source itself.

        Raises:
            LoadError: it wasn't made from text.
        """
        if self._assembly is None:
            raise LoadError(f"{self.name} was not made from assembly: its .disassembly is what can be shown")
        return self._own("assembly", Lines(self._assembly()))

    @property
    def disassembly(self) -> str:
        """A listing of every function, as it is in memory."""
        return self._own("disassembly", Lines("\n\n".join(function.disassembly for function in self.functions)))

    @own_method
    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the image as they are in memory now.

        Raises:
            Error: the module is closed, or the image has no such bytes.
        """
        self._check_range(offset, size)
        with self._lock:
            self._refuse_if_closed()
            return self._memory.read(self._loaded.base + offset, size)

    def _check_range(self, offset: int, size: int) -> None:
        """Raises LoadError if the image has no such bytes."""
        if not isinstance(offset, int) or not isinstance(size, int):
            raise LoadError(f"{self.name}: offset and size are ints, not {described(offset)} and {described(size)}")
        if offset < 0 or size < 0 or offset + size > self._image.size:
            raise LoadError(f"{self.name} has {self._image.size} bytes, none at {offset:#x}+{size:#x}")

    @cached_property
    def _memory(self) -> HostMemory | SandboxMemory:
        """The memory that the guest's addresses are of."""
        from armexec.memory import HostMemory

        sandbox = self._loaded.sandbox
        return HostMemory() if sandbox is None else sandbox.memory

    @own_method
    def empty(self, shape: int | tuple[int, ...], dtype: Any = float) -> Any:
        """A NumPy array in memory that the guest reaches, so that it is passed without a copy. What is in it isn't set.

        Without a sandbox that is any array. In a sandbox it lives as long as something refers to it, and the module may
        be closed before.

        Raises:
            LoadError: it can't be such an array.
            HostError: there is no room for it.
            Error: the module is closed.
        """
        import numpy as np

        try:
            kind = np.dtype(dtype)
            size = int(np.prod(shape, dtype=object)) * kind.itemsize
            # No memory is used before something is written.
            made = np.empty(shape if size <= 1 << 40 else -1, kind)
        except (TypeError, ValueError) as error:
            raise LoadError(f"no array of {dtype!r:.60} with the shape {shape!r:.60}: {error}") from None
        if kind.hasobject:
            raise LoadError(f"an array of {kind} refers to objects of Python's, and the guest has none")
        with self._lock:
            self._refuse_if_closed()
            sandbox = self._loaded.sandbox
            return made if sandbox is None else np.frombuffer(sandbox.array(size), kind, made.size).reshape(shape)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Error(f"{self.name}: the module is closed")

    def _bound(self, function: Function) -> None:
        self._made.add(function)

    @own_method
    def close(self) -> None:
        """Destroy static objects, call functions that are destructors, and give the memory back.

        The functions can't be called any more. A second `close` does nothing. If other threads are in some of the
        functions, the memory is freed after the last of these calls.

        Raises:
            ExecutionError: a destructor failed; the memory is given back.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for function in list(self._made):
                function._unbind()
            try:
                self._initialization.finish()
            finally:
                self._loaded.close()

    def __reduce__(self) -> tuple[Any, ...]:
        from armexec.module.pickling import pickled

        return pickled(self, self._origin, self._replacements)

    def __copy__(self) -> Self:
        # As Python's functions and modules, it is what it is.
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
