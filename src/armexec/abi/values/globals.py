"""The variables of a module as Python values, which are views of the guest's memory where that can be."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import replace
from difflib import get_close_matches
from types import MemberDescriptorType
from typing import Any, NamedTuple, NoReturn, Protocol

from armexec.abi.declarations import parse_type
from armexec.abi.guest_pointer import pointer_class
from armexec.abi.lending import InSandbox, Kept
from armexec.abi.owners import Owners
from armexec.abi.placement.placement import calling_convention
from armexec.abi.values.codec import Codec, codec, shown
from armexec.errors import Error, SignatureError
from armexec.memory import HostMemory, Region, Sandbox, SandboxMemory
from armexec.objects import CType, Image
from armexec.objects.names import source_name
from armexec.objects.variables import PlacedVariable, UnknownVariable

__all__ = ["Globals", "UnknownVariable"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_AGGREGATES = ("struct", "union", "array", "vector")
_host = HostMemory()


class _ThreadBlocks(Protocol):
    """The blocks of thread-local variables, as the engines have them."""

    @property
    def pointer(self) -> Callable[[], int]: ...
    @property
    def memory(self) -> Callable[[], object]: ...


class _InMemory(Protocol):
    """An image in memory, as the engines hold it (`LoadedImage`)."""

    @property
    def base(self) -> int: ...
    @property
    def thread_blocks(self) -> _ThreadBlocks | None: ...
    @property
    def sandbox(self) -> Sandbox | None: ...


class _Memory(NamedTuple):
    """A variable's address, and its bytes; None for memory that isn't the module's."""

    address: int
    data: memoryview | None


class Globals(MutableMapping[str, Any]):
    """The variables of a module by name: `mod.globals["counter"] = 5`, `mod.globals["counter"]`.

    Arrays are NumPy arrays and structs are values that are views: changing them changes the guest's memory, which lives
    as long as they do. Pointers are `GuestPointer`s. A C++ reference stands for what it refers to. A thread-local
    variable is the calling thread's own. The types come from the debug information, or from `declare`.

    `fn::calls` is a static variable of a function, `n::counter` is in a namespace or class; the end of such a name will
    do where it is the only one. `a.c::counter` tells variables of several files from each other, and linkage names are
    known too.
    """

    __slots__ = (
        "__weakref__",
        "_address_of_function",
        "_alive",
        "_declared",
        "_found",
        "_held",
        "_image",
        "_memory_of_guest",
        "_names",
    )

    def __init__(
        self,
        image: Image,
        held: Callable[[], tuple[_InMemory, Region]],
        address_of_function: Callable[[CType, Callable[..., Any]], int],
    ) -> None:
        """The variables of an image that is in memory; `held` gives what keeps it there, or raises Error.

        `address_of_function` gives the address of a callable that becomes a function pointer, or raises SignatureError.
        """
        self._image = image
        self._held = held
        self._address_of_function = address_of_function
        self._names: list[str] | None = None
        self._found: dict[str, tuple[PlacedVariable, CType | None]] = {}
        self._declared: dict[tuple[bool, int], tuple[PlacedVariable, CType]] = {}
        # As in StructValue, by addresses. Views keep it.
        sandbox = held()[0].sandbox
        self._memory_of_guest = _host if sandbox is None else sandbox.memory
        self._alive: dict[tuple[int, int], Any] = {} if sandbox is None else Kept(self._owners)

    def _owners(self) -> Owners:
        """What pointers refer to that become variables."""
        memory = self._memory_of_guest
        if isinstance(memory, SandboxMemory):
            return InSandbox(self._address_of_function, memory)
        return Owners(self._address_of_function)

    def __getitem__(self, name: str) -> Any:
        """The value of a variable: a view of an array, struct or union, a copy of anything else.

        Raises:
            UnknownVariable: there is none of that name, more than one, or its type isn't known.
            Error: the module is closed.
        """
        memory, ctype = self._find(name)
        found: Codec = codec(ctype)
        data = (
            memory.data
            if memory.data is not None
            else memoryview(self._memory_of_guest.read(memory.address, found.size))
        )
        if ctype.kind in _AGGREGATES:
            return found.view(data, self._alive, memory.address)
        value = found.unpack(data)
        return pointer_class(ctype, self._memory_of_guest)(value) if ctype.kind == "pointer" else value

    def __setitem__(self, name: str, value: Any) -> None:
        """Change a variable.

        Raises:
            UnknownVariable: there is none of that name, more than one, or its type isn't known.
            SignatureError: the value doesn't fit.
            Error: it is in read-only memory, or the module is closed.
        """
        memory, ctype = self._find(name)
        alive = self._owners()
        try:
            data = codec(ctype).pack(value, alive)
        except SignatureError as error:
            raise SignatureError(f"{self._image.name}: the variable {name}: {error}") from None
        if memory.data is None:
            self._memory_of_guest.write(memory.address, data)
        elif memory.data.readonly:
            raise Error(f"{self._image.name}: the variable {name} is in read-only memory")
        else:
            memory.data[:] = data
        place = memory.address, memory.address + len(data)
        if alive:
            self._alive[place] = alive
        else:
            self._alive.pop(place, None)

    def __delitem__(self, name: str) -> NoReturn:
        raise Error(f"{self._image.name}: the variable {name!r:.60} can't be removed from the guest's memory")

    def __call__(self, *arguments: Any, **named: Any) -> NoReturn:
        raise SignatureError('mod.globals are the module\'s variables: the function of that name is mod["globals"]')

    def address(self, name: str) -> int:
        """The address of a variable; also of one without a known type, such as a label of data in assembly. A C++
        reference has the address of what it refers to.

        Raises:
            UnknownVariable: there is none of that name, or more than one.
            Error: the module is closed.
        """
        placed, ctype = self._placed(name)
        if ctype is None or not _has_size(ctype):
            return self._memory(placed, 0).address
        return self._referred(placed, ctype)[0].address

    def declare(self, name: str, type: str | CType | Any) -> None:
        """Give a variable a type, where the debug information has none, or another one: `declare("table", "int[4]")`.

        Args:
            name: the variable's; the symbols of assembly and of objects without debug information are known too.
            type: a C type name, before which definitions of types may stand, or one of `mod.types`.

        Raises:
            UnknownVariable: there is none of that name, or more than one.
            SignatureError: the type can't be read, or has no size.
            LoadError: the variable would end outside of the image's memory.
        """
        placed, _ = self._placed(name)
        ctype = self._type(type)
        if not _has_size(ctype):
            raise SignatureError(f"the variable {name} can't have the type `{ctype}`, whose size isn't known")
        self._memory(placed, ctype.size)
        self._declared[placed.where] = placed, ctype
        self._names = None

    def _type(self, given: Any) -> CType:
        made = getattr(given, "ctype", given)
        if isinstance(made, CType):
            return made
        if not isinstance(given, str):
            raise SignatureError(f'a type is C text such as "int[4]", or one of mod.types, not {shown(given)}')
        return parse_type(given, apple=calling_convention(self._image) == "apple")

    def _placed(self, name: str) -> tuple[PlacedVariable, CType | None]:
        """A variable and its type, if that is known. Raises UnknownVariable."""
        if not isinstance(name, str):
            raise UnknownVariable(f"{self._image.name}: a variable is found by its name, not by {shown(name)}")
        if name not in self._found:
            variables = self._image.variables
            found = variables.named(name)
            ctype = _complete(found, found.read_type()) if found is not None else None
            found = found or variables.symbol(name)
            if found is None:
                raise UnknownVariable(self._unknown(name))
            self._found[name] = found, ctype
        placed, ctype = self._found[name]
        return self._declared.get(placed.where) or (placed, ctype)

    def _find(self, name: str) -> tuple[_Memory, CType]:
        """The memory and the type of a variable, or of what it refers to. Raises Error."""
        placed, ctype = self._placed(name)
        if ctype is None or not _has_size(ctype):
            what = f"the size of {name}, whose type is `{ctype}`," if ctype is not None else f"the type of {name}"
            files = self._image.debug_files()
            keep = f"without -gsplit-dwarf ({', '.join(files)})" if files else "with -g"
            raise UnknownVariable(
                f"{self._image.name}: {what} isn't known: say what it is, as in"
                f' mod.globals.declare("{name}", "int[4]"), or compile what defines it {keep}'
            )
        return self._referred(placed, ctype)

    def _referred(self, placed: PlacedVariable, ctype: CType) -> tuple[_Memory, CType]:
        """The memory and the type of a variable, or of what a reference refers to."""
        memory = self._memory(placed, ctype.size)
        target = ctype.target
        if ctype.kind != "pointer" or ctype.name not in ("&", "&&") or target is None or not _has_size(target):
            return memory, ctype
        assert memory.data is not None
        address = int.from_bytes(memory.data, "little")
        loaded, region = self._held()
        offset = address - loaded.base
        if 0 <= offset < self._image.size and self._is_in_segment(offset, target.size):
            return _Memory(address, self._view(region, address, offset, target.size)), target
        return _Memory(address, None), target

    def _memory(self, placed: PlacedVariable, size: int) -> _Memory:
        """The memory of a variable. Raises Error."""
        loaded, region = self._held()
        if not placed.thread_local:
            if not self._is_in_segment(placed.place, size):
                raise UnknownVariable(
                    f"{self._image.name}: {placed.name} has {size} bytes at {placed.place:#x}, which are outside of the"
                    " image's memory"
                )
            address = loaded.base + placed.place
            return _Memory(address, self._view(region, address, placed.place, size))
        blocks, block = loaded.thread_blocks, self._image.thread_local
        if blocks is None or block is None or not 0 <= placed.place <= block.size - size:
            raise UnknownVariable(f"{self._image.name}: {placed.name} is thread-local, and no thread has it")
        address, owner = blocks.pointer() + placed.place, blocks.memory()
        if isinstance(self._memory_of_guest, SandboxMemory) and not isinstance(owner, Region):
            # A C library has made it. Where it says that it is there may be nothing.
            return _Memory(address, memoryview(self._memory_of_guest.view(address, size)).cast("B"))
        return _Memory(address, self._bytes(address, size, owner))

    def _is_in_segment(self, offset: int, size: int) -> bool:
        return any(s.offset <= offset and offset + size <= s.offset + s.size for s in self._image.segments)

    def _view(self, region: Region, address: int, offset: int, size: int) -> memoryview:
        data = self._bytes(address, size, region)
        writable = any(s.writable and s.offset <= offset < s.offset + s.size for s in self._image.segments)
        return data if writable else data.toreadonly()

    def _bytes(self, address: int, size: int, owner: object) -> memoryview:
        """The bytes at an address, which keep their owner."""
        if isinstance(self._memory_of_guest, SandboxMemory):
            address = self._memory_of_guest.host_address(address, size)
        memory = (ctypes.c_uint8 * size).from_address(address)
        memory.owner = owner, self._alive  # type: ignore[attr-defined]
        return memoryview(memory).cast("B")

    def _unknown(self, name: str) -> str:
        image = self._image
        text = f"{image.name}: no variable {name!r}"
        why = image.variables.why_not(name)
        if why:
            return f"{text}: {why}"
        if name in map(source_name, image.undefined()):
            return f"{text}: nothing that was loaded defines it; a module that is imported has its own mod.globals"
        if image.has_function(name):
            return f'{text}: it is a function, mod["{name}"]'
        names = [*self, *image.variables.symbol_names]
        near = get_close_matches(name, names, 3, 0.5)
        if near:
            return f"{text}; did you mean {' or '.join(near)}?"
        if not names:
            return f"{text}; it defines no variable"
        return f"{text}; its variables are {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"

    def __contains__(self, name: object) -> bool:
        """Whether there is a variable of that name whose type is known."""
        try:
            ctype = self._placed(name)[1] if isinstance(name, str) else None
        except UnknownVariable:
            return False
        return ctype is not None and _has_size(ctype)

    def _listed(self) -> list[str]:
        if self._names is None:
            names = [name for name in self._image.variables.names if name in self]
            known = {self._placed(name)[0].where for name in names}
            declared = [placed.name for where, (placed, _) in self._declared.items() if where not in known]
            self._names = names + declared
        return self._names

    def __iter__(self) -> Iterator[str]:
        """The names of the variables whose types are known, in the order of their addresses."""
        return iter(self._listed())

    def __len__(self) -> int:
        return len(self._listed())

    def __setattr__(self, name: str, value: Any) -> None:
        """Raises SignatureError: variables are items, and no attributes."""
        if not isinstance(getattr(type(self), name, None), MemberDescriptorType):
            raise SignatureError(
                f"{self._image.name}: variables are items, not attributes: write mod.globals[{name!r}] = ..."
            )
        super().__setattr__(name, value)

    # Values may be arrays, which have no truth when they are compared.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        names = list(self)
        return f"<variables of {self._image.name}: {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}>"

    def _ipython_key_completions_(self) -> list[str]:
        """The names that complete `globals[...]`."""
        return list(self)


def _complete(placed: PlacedVariable, ctype: CType | None) -> CType | None:
    """The type of a variable; the length of an array that was declared without one is that of its symbol."""
    if ctype is not None and ctype.kind == "array" and ctype.count is None and ctype.target is not None:
        element = ctype.target.size
        if element and placed.size % element == 0 and placed.size:
            return replace(ctype, count=placed.size // element, size=placed.size)
    return ctype


def _has_size(ctype: CType) -> bool:
    if ctype.kind in ("struct", "union"):
        return ctype.fields is not None
    if ctype.kind == "array":
        return ctype.count is not None and ctype.target is not None and _has_size(ctype.target)
    return ctype.size > 0
