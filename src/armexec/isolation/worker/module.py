"""The module that a worker has, and its functions by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from armexec.abi import calling_convention
from armexec.abi.placement import CallingConvention
from armexec.abi.values.codec import codec
from armexec.engines import Engine, get_engine
from armexec.isolation.protocol import CallbackReference, Request
from armexec.isolation.worker.blocks import Blocks
from armexec.isolation.worker.conversation import Conversation
from armexec.memory import HostMemory, SandboxMemory
from armexec.module import Function, Module
from armexec.module.guest_callbacks import Callback
from armexec.module.settings import Settings
from armexec.objects import FunctionSymbol, Image, Prototype

__all__ = ["ModuleInWorker"]


class ModuleInWorker:
    """A module. `shared` is the address of memory that both processes have, or 0."""

    def __init__(self, conversation: Conversation, shared: int) -> None:
        self._conversation = conversation
        self._shared = shared
        self._module: Module | None = None
        self._functions: dict[int, tuple[Callable[..., Any], Prototype, bool]] = {}
        self._callbacks: dict[int, Callback] = {}
        self._engine: Engine
        self._convention: CallingConvention
        self._memory: HostMemory | SandboxMemory = HostMemory()

    def answer(self, kind: Request, question: Any, changed: list[tuple[int, bytes]]) -> bytes:
        if kind == Request.CALL:
            return self._call(changed, *question)
        if kind == Request.LOAD:
            return self._load(*question)
        if kind == Request.BIND:
            self._bind(*question)
        elif kind == Request.READ:
            return self._memory.read(*question)
        elif kind == Request.WRITE:
            self._memory.write(*question)
        elif kind == Request.REPLACE:
            self._replace(*question)
        elif kind == Request.ADDRESS:
            return self._callback(question).address.to_bytes(8, "little")
        elif kind == Request.FORGET:
            self._callbacks.pop(question, None)
        elif kind == Request.CLOSE:
            self._loaded().close()
        return b""

    def _loaded(self) -> Module:
        assert self._module is not None
        return self._module

    def _load(self, image: Image, engine: str, imports: dict[str, Any], settings: Settings) -> bytes:
        """Load the module; its base address."""
        self._engine, self._convention = get_engine(engine), calling_convention(image)
        # In a sandbox Python calls what they are callbacks of: they have addresses outside.
        given = {
            name: self._callback(value) if isinstance(value, CallbackReference) else value
            for name, value in imports.items()
        }
        self._conversation.forget_interrupts()
        with self._conversation.interrupts(True):
            self._module = Module(image, engine, imports=given, settings=settings)
        self._engine = self._module._links.engine
        if self._engine.sandbox is not None:
            self._memory = self._engine.sandbox.memory
        return self._module.loaded.base.to_bytes(8, "little")

    def _bind(self, number: int, offset: int, name: str, prototype: Prototype, is_text: bool) -> None:
        module = self._loaded()
        symbol = FunctionSymbol(name, name, offset, 0, module.image)
        function = Function(module, symbol, prototype)
        self._functions[number] = (function.returning(bytes) if is_text else function), prototype, is_text

    def _call(
        self,
        changed: list[tuple[int, bytes]],
        number: int,
        arguments: list[Any],
        extra: list[Any],
        blocks: list[Any],
    ) -> bytes:
        """Call a function; the result's bytes. `changed` gets the blocks that the guest has changed."""
        function, prototype, is_text = self._functions[number]
        memory = Blocks(blocks, self._shared, self._engine.sandbox)
        passed = [
            self._argument(value, parameter.type, memory)
            for value, parameter in zip(arguments, prototype.parameters, strict=True)
        ]
        passed += [self._argument(value, None, memory) for value in extra]
        self._conversation.forget_interrupts()
        try:
            with self._conversation.interrupts(True):
                result = function(*passed)
        finally:
            changed += memory.changed()
        if is_text:
            return b"" if result is None else b"\1" + result
        if prototype.result.kind == "void":
            return b""
        return codec(prototype.result).pack(result, [])

    def _argument(self, value: Any, ctype: Any, memory: Blocks) -> Any:
        if type(value) is tuple:
            return memory.address(value)
        if type(value) is bytes and ctype is not None:
            return codec(ctype).unpack(value)
        return value

    def _replace(self, offset: int, replacement: CallbackReference | int | None) -> None:
        """Have the guest call something else: a callback, the function at another offset, or the function itself."""
        module = self._loaded()
        if isinstance(replacement, CallbackReference):
            module.replace(offset, self._callback(replacement))
        else:
            module.replace(offset, None if replacement is None else module.at(replacement, "void()"))

    def _callback(self, reference: CallbackReference) -> Callback:
        """What calls a function of Python in the other process."""
        made = self._callbacks.get(reference.number)
        if made is None:
            made = Callback(self._caller(reference), reference.prototype, self._engine, self._convention)
            self._callbacks[reference.number] = made
        return made

    def _caller(self, reference: CallbackReference) -> Callable[..., Any]:
        prototype, conversation = reference.prototype, self._conversation
        codecs = [codec(parameter.type) for parameter in prototype.parameters]
        result = codec(prototype.result)

        def call(*arguments: Any) -> Any:
            data = [found.pack(value, []) for found, value in zip(codecs, arguments, strict=True)]
            return conversation.call_python(
                reference.number, data, lambda value: result.unpack(value) if value is not None else None
            )

        return call
