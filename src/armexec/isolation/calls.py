"""Python functions that call a function of the guest in a worker, and functions of Python that a worker calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

from armexec.abi.checks import parameter_names
from armexec.abi.generated import define_call
from armexec.abi.values.codec import codec
from armexec.errors import SignatureError
from armexec.isolation.arguments import AddressOfFunction, Arguments, send_variable, senders
from armexec.isolation.channel import ProtocolError
from armexec.isolation.pointers import WorkerMemory
from armexec.objects import Prototype

if TYPE_CHECKING:
    from armexec.isolation.session import Session

__all__ = ["make_callback", "make_worker_call"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_numbers = count(1)


def make_worker_call(
    session: Session,
    prototype: Prototype,
    offset: int,
    name: str,
    text: type[str] | type[bytes] | None,
    address_of_function: AddressOfFunction,
) -> Callable[..., Any]:
    """A function that takes Python values for the parameters, by position or by name, and calls the function at an
    offset in the worker.

    The function raises SignatureError for arguments that don't fit, and what `Session.call` raises.
    """
    bind = next(_numbers), offset, name, prototype, text is not None
    convert = senders(prototype)
    result = prototype.result
    of = codec(result)
    size = None if text is not None else 0 if result.kind == "void" else of.size

    def call(values: Sequence[Any], extra: Sequence[Any] = ()) -> Any:
        arguments = Arguments(address_of_function)
        with ExitStack() as turn:
            turn.enter_context(session.turn(name))
            passed = [send(arguments, value) for send, value in zip(convert, values, strict=True)]
            further = send_variable(arguments, prototype, extra) if extra else []
            shared = session.worker.shared
            turn.enter_context(shared.call() if shared is not None else nullcontext())
            blocks = arguments.blocks(shared)
            question = arguments.addresses(passed), arguments.addresses(further), blocks
            sizes = [len(data) if isinstance(data, bytes) else 0 for data, _, _ in blocks]
            answer = session.call(bind, question, sizes, size, name)
            arguments.take(answer.changed, shared)
        if answer.error is not None:
            raise answer.error
        if text is not None:
            return _text(answer.result, text)
        if result.kind == "void":
            return None
        return of.unpack(answer.result)

    names = parameter_names(prototype)
    given = "".join(f"{each}, " for each in names)
    otherwise = None
    if prototype.variadic:
        otherwise = f"return _call(_by_position(_prototype, ({given}), (), _named), _extra)"
    return define_call(prototype, names, [f"return _call(({given}))"], {"_call": call}, otherwise)


def _text(data: memoryview, kind: type[str] | type[bytes]) -> str | bytes | None:
    """A result that is text: nothing for a null pointer, else a byte and the text."""
    if not data:
        return None
    found = bytes(data[1:])
    return found if kind is bytes else found.decode("utf-8", "backslashreplace")


def make_callback(
    session: Session, function: Callable[..., Any], prototype: Prototype
) -> Callable[[bytes], bytes | None]:
    """A function from the bytes of the arguments to those of the result of a function of Python.

    It raises what that raises, and SignatureError for a result that doesn't fit.
    """
    memory = WorkerMemory(session)
    codecs = [codec(parameter.type) for parameter in prototype.parameters]
    size = sum(each.size for each in codecs)
    result = prototype.result
    of = codec(result)

    def call(data: bytes) -> bytes | None:
        if len(data) != size:
            raise ProtocolError("arguments of another size")
        values = []
        at = 0
        for each in codecs:
            value = each.unpack(data[at : at + each.size])
            at += each.size
            values.append(memory.pointer(each.ctype)(value) if each.ctype.kind == "pointer" else value)
        returned = function(*values)
        if result.kind == "void":
            return None
        alive: list[Any] = []
        try:
            packed = of.pack(returned, alive)
            if any(not isinstance(owner, int) for owner in alive):
                raise SignatureError("it points to memory of this process, which the worker process doesn't have")
        except SignatureError as error:
            raise SignatureError(f"`{prototype}`: the result, `{result}`: {error}") from None
        return packed

    return call
