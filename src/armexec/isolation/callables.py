"""Functions of Python that a module's worker can call, each by a number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from armexec.errors import LoadError, SignatureError
from armexec.isolation.calls import make_callback
from armexec.isolation.protocol import CallbackReference
from armexec.module.guest_callbacks import Callback, Callbacks, check_arity, identity, prototype_of_pointer
from armexec.module.guest_code import GuestCode
from armexec.objects import CType, Image, Prototype
from armexec.objects.names import bare_name, source_name

if TYPE_CHECKING:
    from armexec.isolation.session import Session

__all__ = ["Callables", "imported", "new_number"]

_numbers = count(1)


def new_number() -> int:
    """A number for a function of Python that no other has in this process."""
    return next(_numbers)


class Callables:
    """The callables that were passed for function pointers. The latest are kept, as `Callbacks` does it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: OrderedDict[Any, tuple[CallbackReference, Callable[..., Any]]] = OrderedDict()

    def address(self, ctype: CType, function: Callable[..., Any]) -> int:
        """The address in the worker of a callable that is passed for a function pointer.

        Raises:
            SignatureError: it can't be called as the type says, or is code of this process or of another worker.
        """
        prototype = prototype_of_pointer(ctype)
        assert prototype is not None
        if isinstance(function, Callback):
            prototype, function = function.prototype, function.function
        elif isinstance(function, GuestCode):
            if getattr(getattr(function, "module", None), "_session", None) is self._session:
                return self._session.worker and function.address
            raise SignatureError(f"{function!r:.80} isn't code of this module's worker process")
        key = identity(function), str(prototype)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.reference(function, prototype), function
            while len(self._known) > Callbacks.KEPT:
                _, (oldest, _) = self._known.popitem(last=False)
                self._session.remove_callback(oldest.number)
        else:
            self._known.move_to_end(key)
        return self._session.callback_address(found[0])

    def reference(self, function: Callable[..., Any], prototype: Prototype) -> CallbackReference:
        """A number for a function, which stays. Raises SignatureError."""
        if prototype.variadic:
            raise SignatureError(f"`{prototype}`: code in a worker process can't call a function of Python with `...`")
        check_arity(function, prototype)
        number = new_number()
        self._session.add_callback(number, make_callback(self._session, function, prototype))
        return CallbackReference(number, prototype)


def imported(image: Image, given: Mapping[str, Any], callables: Callables) -> dict[str, CallbackReference]:
    """The functions of Python that are given for the undefined symbols of an image, by their linkage names.

    Raises:
        LoadError: something else is given, or the prototype isn't known.
        SignatureError: a function can't be called as its prototype says.
    """
    found = {}
    for name in {image.linkage_name(symbol) for symbol in image.symbols if not symbol.defined and symbol.name}:
        source = source_name(name)
        key = next((key for key in (name, source, bare_name(source)) if key in given), None)
        if key is None:
            continue
        value = given[key]
        if isinstance(value, Callback):
            found[name] = callables.reference(value.function, value.prototype)
            continue
        if isinstance(value, GuestCode) or not callable(value):
            raise LoadError(
                f'the import {key!r}: isolate="process" can import only functions of Python, not {value!r:.60}'
            )
        prototype = image.prototype(name)
        if prototype is None:
            raise LoadError(
                f"the import {key!r}: its prototype isn't known: give"
                f' armexec.callback(function, "int(int)"), with its types'
            )
        found[name] = callables.reference(value, prototype)
    return found
