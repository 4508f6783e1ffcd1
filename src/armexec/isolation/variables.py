"""The variables of a module in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from armexec.abi.owners import Owners
from armexec.abi.values.codec import codec
from armexec.abi.values.globals import Globals
from armexec.errors import Error, HostError, SignatureError
from armexec.isolation.pointers import WorkerMemory
from armexec.objects import CType, Image

if TYPE_CHECKING:
    from armexec.isolation.session import Session
    from armexec.objects.variables import PlacedVariable

__all__ = ["WorkerGlobals"]


class WorkerGlobals(Globals):
    """The variables of a module in a worker process: `mod.globals["counter"] = 5`.

    Values are copies, which can't be changed: an array or a struct is changed as a whole. Thread-local variables can't
    be reached.
    """

    __slots__ = ("_session", "_worker_memory")

    def __init__(
        self,
        image: Image,
        session: Session,
        held: Callable[[], Any],
        address_of_function: Callable[[CType, Callable[..., Any]], int],
    ) -> None:
        super().__init__(image, held, address_of_function)
        self._session = session
        self._worker_memory = WorkerMemory(session)

    def __getitem__(self, name: str) -> Any:
        with self._session.turn(f"the variable {name}"):
            memory, ctype = self._find(name)
            data = self._worker_memory.read(memory.address, codec(ctype).size)
        value = codec(ctype).view(memoryview(data), {}, 0)
        return self._worker_memory.pointer(ctype)(value) if ctype.kind == "pointer" else value

    def __setitem__(self, name: str, value: Any) -> None:
        with self._session.turn(f"the variable {name}"):
            memory, ctype = self._find(name)
            functions: list[object] = []

            def address_of_function(pointer: CType, function: Callable[..., Any]) -> int:
                functions.append(function)
                return self._address_of_function(pointer, function)

            alive = Owners(address_of_function)
            try:
                data = codec(ctype).pack(value, alive)
                if any(all(owner is not each for each in functions) for owner in alive):
                    raise SignatureError("it points to memory of this process, which the worker process doesn't have")
            except SignatureError as error:
                raise SignatureError(f"{self._image.name}: the variable {name}: {error}") from None
            if memory.data is not None and memory.data.readonly:
                raise Error(f"{self._image.name}: the variable {name} is in read-only memory")
            self._worker_memory.write(memory.address, data)

    def _memory(self, placed: PlacedVariable, size: int) -> Any:
        if placed.thread_local:
            raise HostError(
                f"{self._image.name}: the variable {placed.name} is thread-local, and can't be reached with"
                ' isolate="process"'
            )
        return super()._memory(placed, size)

    def _bytes(self, address: int, size: int, owner: object) -> memoryview:
        # Whether it can be changed is all that is asked of the copy.
        return memoryview(bytearray(self._worker_memory.read(address, size)))
