"""Modules and functions: code in memory that Python calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from armexec.engines import LoadedImage
from armexec.errors import Error, LoadError, SignatureError
from armexec.forks import renew
from armexec.lines import Lines
from armexec.module.binding import CallTarget, MakeFaster, PlacedCall, limited_call
from armexec.module.guest_code import GuestCode
from armexec.module.imports import Import
from armexec.module.links import Links
from armexec.module.settings import Origin, Settings
from armexec.module.signatures import described, prototype_of
from armexec.objects import FunctionSymbol, Image
from armexec.objects.names import bare_name, source_name
from armexec.own_names import FunctionList, OwnText, own_method

if TYPE_CHECKING:
    import numpy as np

    from armexec.abi.values.globals import Globals
    from armexec.abi.values.types import Types
    from armexec.arrays import Kernel, Target
    from armexec.c_functions import CTarget
    from armexec.errors import Diagnostic
    from armexec.memory import HostMemory, Region, Sandbox, SandboxMemory, Step
    from armexec.objects import CType, Prototype
    from armexec.program.functions import CLibrary

__all__ = ["Function", "Module", "UnknownFunction"]

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

    _library: CLibrary | None

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
        try:
            if self._image.is_executable or self._image.is_shared:
                from armexec.program.start import start_library

                with self._settings.limits():
                    self._library = start_library(
                        links.engine, self._loaded, self._settings.files, self._settings.memory_limit
                    )
            if self._library is None:
                if self._settings.memory_limit is not None:
                    self._limit_heap(self._settings.memory_limit)
                self._call_each(self._image.initializers)
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
        self._closed = False
        # Held so that no function is bound to memory that another thread is freeing.
        self._lock = renew(self)
        self._library = None

    def _call_each(self, offsets: Iterable[int]) -> None:
        """Call functions without arguments, each within the module's limits."""
        for offset in offsets:
            with self._settings.limits():
                self._loaded.bind(offset, _initializer_prototype())()

    def _limit_heap(self, limit: int) -> None:
        from armexec.compiler_rt.heap import limited_heap

        found = limited_heap(self._image, limit)
        if found is not None:
            self._memory.write(self._loaded.base + found.offset, found.data)

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
            if self._closed:
                _refuse_closed(self.name)
            return self._loaded, self._loaded.region

    def _own(self, attribute: str, text: str) -> str:
        """The text of an attribute. Calling it says where the guest's function of that name is, if there is one."""
        return OwnText(text, attribute) if self._image.has_function(attribute) else text

    @cached_property
    def _by_symbol(self) -> dict[tuple[str, int], Function]:
        return {}

    @cached_property
    def _unpickled(self) -> dict[tuple[str, int, bytes], Function]:
        return {}

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
            replacement = callback = self._links.callback(replacement, original._replaced_prototype)
            address = callback.address
        with self._lock:
            if self._closed:
                _refuse_closed(self.name)
            self._loaded.redirect(original.offset, address)
            # It lives as long as it may be called.
            self._replacements[original.offset] = replacement
            if self._library is not None:
                self._library.bind()
            for made in list(self._made):
                made._unbind()
                made._link_arrays()

    @cached_property
    def _replacements(self) -> dict[int, Any]:
        return {}

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
            if self._closed:
                _refuse_closed(self.name)
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
            if self._closed:
                _refuse_closed(self.name)
            sandbox = self._loaded.sandbox
            return made if sandbox is None else np.frombuffer(sandbox.array(size), kind, made.size).reshape(shape)

    def _python_call(
        self,
        symbol: FunctionSymbol,
        prototype: Prototype,
        text: type[str] | type[bytes] | None,
        variable: tuple[CType, ...] | None = None,
    ) -> tuple[Callable[..., Any], MakeFaster | None]:
        """What Python calls for a function, and what makes a faster one, if that can be made.

        Raises:
            SignatureError: a type can't be passed.
        """
        target = self._call_target(symbol, prototype, variable)
        call, make_faster = target.python_call(self._converter(symbol, text))
        # For exceptions. The module isn't held by what it holds.
        again: Any = CalledFunction(weakref.ref(self), symbol, prototype, text, variable)
        call.again = again  # type: ignore[attr-defined]
        return call, make_faster

    def _prepared_call(
        self,
        symbol: FunctionSymbol,
        prototype: Prototype,
        text: type[str] | type[bytes] | None,
        variable: tuple[CType, ...] | None,
        values: Sequence[Any],
        named: dict[str, Any],
    ) -> PlacedCall:
        """The arguments of a call that a debugger makes. Raises SignatureError."""
        target = self._call_target(symbol, prototype, variable)
        prepared = target.prepared(values, named, self._converter(symbol, text))
        return PlacedCall(prepared, self._loaded, symbol.offset, self._links.engine.host_functions(), self._texts)

    def _call_target(
        self, symbol: FunctionSymbol, prototype: Prototype, variable: tuple[CType, ...] | None
    ) -> CallTarget:
        return CallTarget(self._loaded, symbol.offset, prototype, self._links.address_of_function, variable)

    def _converter(self, symbol: FunctionSymbol, text: type[str] | type[bytes] | None) -> Callable[[Any], Any] | None:
        """What makes text of a result that is a `char *`; None where it stays as it is."""
        if text is None:
            return None
        from armexec.abi import text_result

        sandbox = self._loaded.sandbox
        memory = None if sandbox is None else sandbox.memory
        return text_result(text, symbol.source_name, self._loaded.base + symbol.offset, memory)

    def _array_target(self, symbol: FunctionSymbol, prototype: Prototype) -> Target:
        """What ufuncs of a function are made for."""
        from armexec.arrays import Target

        settings = self._settings
        name = bare_name(symbol.source_name)
        return Target(self._loaded, symbol.offset, prototype, name, settings.limits, settings.has_limits)

    def _c_target(self, function: Function, prototype: Prototype) -> CTarget:
        """What a function of C calls."""
        from armexec.c_functions import CTarget

        call = Function(self, function._symbol, prototype)
        return CTarget(prototype, call, self._loaded, function.offset, self._settings.has_limits)

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
                if self._library is not None:
                    with self._settings.limits():
                        self._library.finish()
                else:
                    self._call_each(self._image.finalizers)
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


def _give_call(reference: weakref.ref[Any], call: Any) -> None:
    """Replace the `__call__` of a bound function's class by a faster one, if it is still bound."""
    own = reference()
    if own is not None and own.__dict__.get("__call__") is not Function.__call__:
        own.__call__ = call


class Function(GuestCode):
    """A function of the guest that can be called from Python.

    Arguments are checked against the prototype: a wrong number, type or range is a SignatureError. A fault in the
    function is an ExecutionError.
    """

    __slots__ = ("__weakref__", "_c_function", "_kernels", "_module", "_prototype", "_symbol", "_text", "_variable")

    def __init__(self, module: Module, symbol: FunctionSymbol, prototype: Prototype | None = None) -> None:
        if not isinstance(module, Module) or not isinstance(symbol, FunctionSymbol):
            raise LoadError("a Function is found in a Module: use module[name], or armexec.function(code, signature)")
        self._module = module
        self._symbol = symbol
        self._prototype = prototype
        self._text: type[str] | type[bytes] | None = None
        self._variable: tuple[CType, ...] | None = None
        # Weakly: the ufuncs hold them, and they hold this.
        self._kernels: weakref.WeakValueDictionary[str | None, Kernel] | None = None
        self._c_function: Any = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        with self._module._lock:
            # Another thread may have bound it meanwhile.
            call = self._bind() if type(self) is Function else type(self).__call__
        return call(*arguments, **named)

    def _bind(self) -> Callable[..., Any]:
        if self._module.closed:
            _refuse_closed(self._module.name)
        prototype = self._known_prototype()
        module = self._module
        call, make_faster = module._python_call(self._symbol, prototype, self._text, self._variable)
        if module._settings.has_limits:
            call, make_faster = limited_call(call, module._settings), None
        module._bound(self)
        # Python looks __call__ up in the class. A class for each function saves a Python call in each call of it, a
        # third of the time.
        own: Any = type("Function", (Function,), {"__slots__": (), "__call__": staticmethod(call)})
        self.__class__ = own
        if make_faster is not None:
            give = partial(_give_call, weakref.ref(own))

            def again(*arguments: Any, **named: Any) -> Any:
                """Call it a second time. A function that is called only once gets no fast call."""
                give(staticmethod(call))
                make_faster(give)
                return call(*arguments, **named)

            give(staticmethod(again))
        return call

    def _known_prototype(self) -> Prototype:
        """The prototype. Raises SignatureError if it isn't known."""
        prototype = self.prototype
        if prototype is None:
            files = self._module.image.debug_files()
            keep = f"compile without -gsplit-dwarf ({', '.join(files)})" if files else "keep the debug information"
            raise SignatureError(
                f'{self.name}: its signature isn\'t known: give one, as in .with_signature("int(int)"), or {keep}'
            )
        return prototype

    def prepare(self, *arguments: Any, **named: Any) -> PlacedCall:
        """The arguments of a call, checked and placed, for whoever makes the call: a debugger.

        Raises:
            SignatureError: they don't fit the prototype, or that isn't known.
            Error: the module is closed.
        """
        module = self._module
        with module._lock:
            if module.closed:
                _refuse_closed(module.name)
            return module._prepared_call(
                self._symbol, self._known_prototype(), self._text, self._variable, arguments, named
            )

    def _unbind(self) -> None:
        own: Any = type(self)
        self.__class__ = Function
        # The class stays until the garbage collector runs, and must not keep the memory until then.
        own.__call__ = Function.__call__
        self._c_function = None

    def with_signature(self, signature: str | Prototype) -> Function:
        """The same function with another prototype, such as "int(int)". Definitions of types may stand before it:
        "struct p { int x, y; }; int f(struct p *)".

        Raises:
            SignatureError: the prototype can't be read.
        """
        return Function(self._module, self._symbol, prototype_of(signature, self._module.image))

    def returning(self, kind: type[str] | type[bytes]) -> Function:
        """The same function with its `char *` result as text: a str from UTF-8, or bytes; None for a null pointer.

        Bytes that aren't UTF-8 become escapes such as `\\xff`.

        Raises:
            SignatureError: the result isn't a pointer to characters, or `kind` is another class. The call itself raises
                MemoryFault where the pointer leads to memory that can't be read, or to a mebibyte without a null.
        """
        prototype = self.prototype
        target = prototype.result.target if prototype is not None else None
        if kind not in (str, bytes):
            raise SignatureError(f"{self.name}: text is returned as str or bytes, not as {described(kind)}")
        if target is None or target.kind not in ("int", "void") or target.size not in (0, 1):
            result = prototype.result if prototype is not None else "unknown"
            raise SignatureError(f"{self.name}: the result is {result}, and only a char * can be returned as text")
        made = Function(self._module, self._symbol, prototype)
        made._text, made._variable = kind, self._variable
        return made

    def variadic(self, *types: Any) -> Function:
        """The same function with types for its variable arguments, which each call then gives:
        `mod.printf.variadic("double", "int")("%f %d", 1, 2)`.

        Without them the types are told from the values: an int is a `long`, a float a `double`, text a `const char *`;
        NumPy's scalars and ctypes' objects have their types in C.

        Args:
            types: for each argument C text such as "unsigned long" or "struct point", the name of a type of the module,
                one of `mod.types`, or a class of ctypes or NumPy. A value is converted to the type, and then promoted
                as C does: `float` to `double`, and what is smaller than `int` to that.

        Raises:
            SignatureError: the function isn't variadic, or one of them is no type that can be passed.
        """
        from armexec.module.variable_types import variable_types

        made = Function(self._module, self._symbol, self._prototype)
        made._text = self._text
        made._variable = variable_types(self.prototype, types, self._module.image, self.name)
        return made

    @property
    def ufunc(self) -> np.ufunc:
        """A `numpy.ufunc` that calls the function for each element of arrays, of NumPy's types of its prototype.

        It does all that NumPy's own do: broadcasting, `out=`, `where=`, casting, `reduce`, `accumulate`, `outer`, `at`.
        NaNs are those of single calls, bit by bit. A fault leaves the loop by an ExecutionError; the elements before it
        are in the output. The module's memory stays as long as the ufunc. The limits of the module hold for each of
        the loops that NumPy makes in a call.

        Raises:
            SignatureError: its types aren't scalars that NumPy has, or it returns nothing or takes nothing.
            HostError: the engine can't.
            Error: the module is closed, or runs in a process of its own.

        >>> import armexec
        >>> armexec.function("add x0, x0, x1; ret", "long(long, long)").ufunc([1, 2], 3)
        array([4, 5])
        """
        return self._array_function(None)

    def gufunc(self, signature: str) -> np.ufunc:
        """A generalized ufunc: the function is called for whole rows, matrices and so on of NumPy arrays.

        `mod.dot.gufunc("(n),(n)->()")` is for `float dot(const float *, const float *, long)`. It broadcasts the other
        dimensions, and takes `axis=`, `axes=` and `out=`. The function's parameters are: a pointer for each input, in
        order, or a value for an input "()"; a pointer for each output, but for a last one "()" that the function
        returns; and an integer for each core dimension, in the order in which they first appear in the signature. Sizes
        that the signature gives as numbers aren't passed. Inputs and outputs that aren't contiguous are copied.

        Args:
            signature: core dimensions as in NumPy: "(m,n),(n)->(m)".

        Raises:
            SignatureError: the signature can't be read, or the function's parameters are others.
            HostError: the function is in a sandbox, which can't reach arrays.
            Error: the module is closed, or runs in a process of its own.
        """
        return self._array_function(signature)

    def map(self, *arguments: Any, threads: int | None = None, progress: bool = False) -> Any:
        """Call the function for each element of the arguments, as `map` of Python's does, and wait for all results.

        It is for what a ufunc doesn't take: structs, pointers, text. Functions of scalars are quicker as `ufunc`.

        Args:
            arguments: for each parameter a list, a NumPy array (of which each row is an element) or anything else with
                a length, all of one length; or one value for all calls: a number, text, bytes, a struct (a value of its
                class, a dict, or the tuple of its members), a function, None. A list or array that
                all calls get is given as `itertools.repeat(array)`.
            threads: how many make the calls. By default one for each processor, where a call takes longer than some
                50 us; shorter ones are made on this thread, since that is quicker. Limits of this thread hold in each;
                where instructions are limited there is one.
            progress: show a bar on standard error; where that is no terminal, a line at the end.

        Returns:
            the results in the order of the elements: a NumPy array where the result is a number, a structured one where
            it is a struct; else a list. None for void.

        Raises:
            SignatureError: the lengths differ.
            Error: what a call raises, that of the first element that fails. A note tells which one that is. The calls
                for elements behind it may have been made.

        >>> import armexec
        >>> mod = armexec.compile("struct p { int x, y; }; int area(struct p p) { return p.x * p.y; }", "c")
        >>> mod.area.map([(1, 2), (3, 4)])
        array([ 2, 12], dtype=int32)
        """
        from armexec.arrays.mapping import Mapped, map_elements

        in_threads = self._module._settings.isolate is None and self.engine != "reference"
        mapped = Mapped(self, self._known_prototype(), self.name, self._text is not None, in_threads)
        return map_elements(mapped, arguments, threads, progress)

    @property
    def ctypes(self) -> Any:
        """The function as one of ctypes, with an address that C can call: for `scipy.LowLevelCallable`, in Numba's
        compiled functions, or in a struct of function pointers.

        It has the host's calling convention, may be called from any thread, with Python's GIL or without, and takes
        integers, `float`, `double` and pointers, which are the host's addresses. It can be called as long as this
        object exists.

        C knows no exceptions: where the guest fails, the result is 0 or a NaN, and what has called C from Python gets
        the exception when C is back. Until then further calls on that thread do nothing. On threads that Python knows
        nothing of, `threading.excepthook` gets it.

        Raises:
            SignatureError: its types can't be passed so, or they are pointers and the code is confined.
            HostError: the host's LLVM isn't there.
            Error: the module is closed.

        >>> import armexec
        >>> armexec.function("add x0, x0, x1; ret", "long(long, long)").ctypes(1, 2)
        3
        """
        from armexec.c_functions import make_c_function

        prototype, module = self._known_prototype(), self._module
        with module._lock:
            if module.closed:
                _refuse_closed(module.name)
            if self._c_function is None:
                self._c_function = make_c_function(module._c_target(self, prototype))
                module._bound(self)
            return self._c_function

    def _array_function(self, signature: str | None) -> np.ufunc:
        """A ufunc of a signature: the one that there is, or a new one."""
        from armexec.arrays import kernel_of, make_ufunc

        module = self._module
        with module._lock:
            if module.closed:
                _refuse_closed(module.name)
            prototype = self._known_prototype()
            if self._kernels is None:
                self._kernels = weakref.WeakValueDictionary()
            known = self._kernels.get(signature)
            made: np.ufunc | None = None if known is None else known.ufunc
            if made is None:
                made = make_ufunc(self, module._array_target(self._symbol, prototype), signature)
                self._kernels[signature] = kernel_of(made)  # type: ignore[assignment]
                module._bound(self)
        return made

    def _link_arrays(self) -> None:
        """Have the ufuncs that there are call functions as they are linked now."""
        if self._kernels:
            from armexec.arrays import remake_loop

            target = self._module._array_target(self._symbol, self._known_prototype())
            for kernel in list(self._kernels.values()):
                remake_loop(kernel, target)

    @property
    def name(self) -> str:
        """The name as in the source: `fn(int)` in C++, `fn` in C."""
        return self._symbol.source_name

    @property
    def linkage_name(self) -> str:
        """The name as in the object: `_Z2fni`."""
        return self._symbol.name

    @property
    def module(self) -> Module:
        """The module it belongs to."""
        return self._module

    @property
    def engine(self) -> str:
        """The engine that runs it: "native", "translated" or "reference"."""
        return self._module.engine

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox that it is in; None if it is in none."""
        return self._module.loaded.sandbox

    @property
    def prototype(self) -> Prototype | None:
        """The types of the result and the parameters, or None where they aren't known.

        Raises:
            LoadError: the debug information is malformed.
        """
        return self._prototype or self._symbol.prototype

    @property
    def _replaced_prototype(self) -> Prototype:
        """The prototype of a function that is replaced. Raises SignatureError where it isn't known."""
        prototype = self.prototype
        if prototype is None:
            raise SignatureError(
                f'{self.name}: its prototype isn\'t known: give armexec.callback(function, "int(int)")'
            )
        return prototype

    @property
    def signature(self) -> str:
        """The prototype in C, `int fn(int num)`; empty where it isn't known."""
        prototype = self.prototype
        return str(prototype) if prototype is not None else ""

    @property
    def address(self) -> int:
        """The address of its first instruction in memory."""
        return self._module.loaded.base + self._symbol.offset

    @property
    def offset(self) -> int:
        """The offset of its first instruction in the image, in bytes."""
        return self._symbol.offset

    @property
    def size(self) -> int:
        """Its size in bytes; where the object doesn't say, up to the next function or the end of the section."""
        return self._symbol.extent

    @property
    def bytes(self) -> bytes:
        """Its bytes as they are in memory: relocated, little-endian.

        Raises:
            Error: the module is closed.
        """
        return self._module.read(self._symbol.offset, self.size)

    @property
    def words(self) -> list[int]:
        """Its 32-bit words as they are in memory."""
        from armexec.disasm.words import words_of

        return words_of(self.bytes)

    @property
    def assembly(self) -> str:
        """Its instructions and labels as text: out of the module's assembly if there is one, else disassembled."""
        if self._module._assembly is not None:
            from armexec.toolchain.function_text import function_assembly

            others = [symbol.name for symbol in self._module.image.functions]
            return Lines(function_assembly(self._module.assembly, self.linkage_name, others))
        from armexec.module.code_text import disassembled

        return disassembled(self._module.loaded, self._symbol, self.bytes)

    @property
    def disassembly(self) -> str:
        """A listing of its words with their addresses, as they are in memory."""
        from armexec.module.code_text import listed

        return listed(self._module.loaded, self._symbol, self.bytes)

    def __reduce__(self) -> tuple[Any, ...]:
        from armexec.module.pickling import pickled_choices

        choices = pickled_choices(self._prototype, self._text, self._variable)
        return _function_again, (self._module, self._symbol.name, self._symbol.offset, choices)

    def __copy__(self) -> Function:
        return self

    def __deepcopy__(self, _memo: Any) -> Function:
        return self

    def _repr_html_(self) -> str:
        """Its listing, for notebooks."""
        from armexec.html import code_table

        if self._module.closed:
            return code_table(self.signature or self.name, "", detail="closed")
        return code_table(self.signature or self.name, self.disassembly, detail=f"at 0x{self.address:x}, {self.engine}")

    def __repr__(self) -> str:
        state = "closed" if self._module.closed else self.engine
        return f"<Function {self.signature or self.name} at 0x{self.address:x}, {state}>"


def _function_again(module: Module, name: str, offset: int, choices: bytes) -> Function:
    """The function of a pickle: the same one for the same choices, so that its calls are bound once."""
    found = module._unpickled.get((name, offset, choices))
    if found is None:
        from armexec.module.pickling import unpickled_choices

        image = module.image
        known = next((f for f in image.functions if f.offset == offset and f.name == name), None)
        symbol = known or FunctionSymbol(name, source_name(name), offset, 0, image)
        prototype, text, variable = unpickled_choices(choices, module.name)
        found = Function(module, symbol, prototype)
        found._text, found._variable = text, variable
        found = module._unpickled.setdefault((name, offset, choices), found)
    return found


class CalledFunction(NamedTuple):
    """How a call finds its Function again."""

    module: weakref.ref[Module]
    symbol: FunctionSymbol
    prototype: Prototype
    text: type[str] | type[bytes] | None
    variable: tuple[CType, ...] | None

    def __call__(self) -> Function:
        """The function. Raises Error: its module is gone."""
        module = self.module()
        if module is None:
            raise Error(f"the module of {self.symbol.source_name} is gone")
        made = Function(module, self.symbol, self.prototype)
        made._text, made._variable = self.text, self.variable
        return made


def _initializer_prototype() -> Prototype:
    from armexec.objects import CType
    from armexec.objects import Prototype as Made

    return Made("", CType("void", name="void"))


def _refuse_closed(name: str) -> NoReturn:
    raise Error(f"{name}: the module is closed")
