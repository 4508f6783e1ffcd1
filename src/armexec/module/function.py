"""Functions of the guest, as Python calls them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from armexec.errors import Error, LoadError, SignatureError
from armexec.lines import Lines
from armexec.module.calls.binding import limited_call
from armexec.module.calls.protocol import Callee
from armexec.module.guest_code import GuestCode
from armexec.module.signatures import described, known_prototype, prototype_of
from armexec.objects import FunctionSymbol
from armexec.objects.names import source_name

if TYPE_CHECKING:
    import numpy as np

    from armexec.arrays import Ufuncs
    from armexec.memory import Sandbox
    from armexec.module.calls.binding import PlacedCall
    from armexec.module.owner import FunctionOwner
    from armexec.objects import CType, Prototype

__all__ = ["Function"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


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

    __slots__ = ("__weakref__", "_c_function", "_module", "_prototype", "_symbol", "_text", "_ufuncs", "_variable")

    def __init__(self, module: FunctionOwner, symbol: FunctionSymbol, prototype: Prototype | None = None) -> None:
        # Modules alone have it. isinstance with a Protocol would evaluate the properties.
        if not hasattr(module, "_calls") or not isinstance(symbol, FunctionSymbol):
            raise LoadError("a Function is found in a Module: use module[name], or armexec.function(code, signature)")
        self._module = module
        self._symbol = symbol
        self._prototype = prototype
        self._text: type[str] | type[bytes] | None = None
        self._variable: tuple[CType, ...] | None = None
        self._ufuncs: Ufuncs | None = None
        self._c_function: Any = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        with self._module._lock:
            # Another thread may have bound it meanwhile.
            call = self._bind() if type(self) is Function else type(self).__call__
        return call(*arguments, **named)

    def _bind(self) -> Callable[..., Any]:
        module = self._module
        module._refuse_if_closed()
        callee = self._callee()
        call, make_faster = module._calls.python_call(callee, CalledFunction(weakref.ref(module), callee))
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

    def _callee(self) -> Callee:
        """What is called. Raises SignatureError if the prototype isn't known."""
        return Callee(self._symbol, self._known_prototype(), self._text, self._variable)

    def _known_prototype(self) -> Prototype:
        return known_prototype(self.prototype, self.name, self._module.image)

    def prepare(self, *arguments: Any, **named: Any) -> PlacedCall:
        """The arguments of a call, checked and placed, for whoever makes the call: a debugger.

        Raises:
            SignatureError: they don't fit the prototype, or that isn't known.
            Error: the module is closed.
        """
        module = self._module
        with module._lock:
            module._refuse_if_closed()
            return module._calls.prepared_call(self._callee(), arguments, named)

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
        return _chosen(self._module, self._symbol, prototype, kind, self._variable)

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
        from armexec.module.arguments.variable_types import variable_types

        variable = variable_types(self.prototype, types, self._module.image, self.name)
        return _chosen(self._module, self._symbol, self._prototype, self._text, variable)

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

        in_threads = self._module._calls.run_in_parallel and self.engine != "reference"
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

        callee, module = self._callee(), self._module
        with module._lock:
            module._refuse_if_closed()
            if self._c_function is None:
                call = Function(module, self._symbol, callee.prototype)
                self._c_function = make_c_function(module._calls.c_target(callee, call))
                module._bound(self)
            return self._c_function

    def _array_function(self, signature: str | None) -> np.ufunc:
        """A ufunc of a signature: the one that there is, or a new one."""
        from armexec.arrays import Ufuncs

        module = self._module
        with module._lock:
            module._refuse_if_closed()
            callee = self._callee()
            if self._ufuncs is None:
                self._ufuncs = Ufuncs()
            made: np.ufunc | None = self._ufuncs.get(signature)
            if made is None:
                made = self._ufuncs.make(self, module._calls.array_target(callee), signature)
                module._bound(self)
        return made

    def _link_arrays(self) -> None:
        """Have the ufuncs that there are call functions as they are linked now."""
        if self._ufuncs is not None:
            self._ufuncs.link(self._module._calls.array_target(self._callee()))

    @property
    def name(self) -> str:
        """The name as in the source: `fn(int)` in C++, `fn` in C."""
        return self._symbol.source_name

    @property
    def linkage_name(self) -> str:
        """The name as in the object: `_Z2fni`."""
        return self._symbol.name

    @property
    def module(self) -> Any:
        """The Module that it belongs to."""
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


def _chosen(
    module: FunctionOwner,
    symbol: FunctionSymbol,
    prototype: Prototype | None,
    text: type[str] | type[bytes] | None,
    variable: tuple[CType, ...] | None,
) -> Function:
    """The function of a symbol, with all that can be chosen for it."""
    made = Function(module, symbol, prototype)
    made._text, made._variable = text, variable
    return made


def _function_again(module: FunctionOwner, name: str, offset: int, choices: bytes) -> Function:
    """The function of a pickle: the same one for the same choices, so that its calls are bound once."""
    found: Function | None = module._unpickled.get((name, offset, choices))
    if found is None:
        from armexec.module.pickling import unpickled_choices

        image = module.image
        known = next((f for f in image.functions if f.offset == offset and f.name == name), None)
        symbol = known or FunctionSymbol(name, source_name(name), offset, 0, image)
        found = _chosen(module, symbol, *unpickled_choices(choices, module.name))
        found = module._unpickled.setdefault((name, offset, choices), found)
    return found


class CalledFunction(NamedTuple):
    """How a call finds its Function again."""

    module: weakref.ref[FunctionOwner]
    callee: Callee

    def __call__(self) -> Function:
        """The function. Raises Error: its module is gone."""
        module = self.module()
        if module is None:
            raise Error(f"the module of {self.callee.symbol.source_name} is gone")
        return _chosen(module, *self.callee)
