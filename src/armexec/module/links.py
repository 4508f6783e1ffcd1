"""What a module's code reaches outside of it: symbols that others define, functions of Python, and the C library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from armexec.engines import get_engine, new_sandbox
from armexec.errors import LoadError, SignatureError
from armexec.module.dynamic_loading import dynamic_loading
from armexec.module.guest_code import GuestCode
from armexec.module.imports import Import, Imports
from armexec.module.signatures import described, prototype_of
from armexec.objects import Image
from armexec.objects.names import source_name

if TYPE_CHECKING:
    from armexec.engines import LoadedImage
    from armexec.module.guest_callbacks import Callback, Callbacks
    from armexec.objects import CType, Prototype

__all__ = ["Links"]


class Links:
    """The links of one module: how its undefined symbols and its function pointers get their addresses.

    `engine` runs the module, and `image` is complete: it has what compiler_rt or the C library define for it. `attach`
    is to be called with the image in memory, before any code of it runs.
    """

    def __init__(self, image: Image, engine: str | None, given: Mapping[str, Import], *, sandbox: bool = False) -> None:
        """Raises LoadError or HostError, as a Module does."""
        if not isinstance(image, Image):
            raise LoadError(
                f"a module is made of an image, not of {described(image)}: use armexec.load, compile or function"
            )
        self.engine = new_sandbox(engine) if sandbox else get_engine(engine)
        if engine is None and self.engine.name == "native" and (image.is_executable or _wants_library(image, given)):
            self.engine = get_engine("translated")
        self.image = image
        self.attach: Callable[[LoadedImage], object] = lambda loaded: None
        if self.engine.sandbox is None:
            # These functions read the guest's memory by the host's addresses.
            given, self.attach = dynamic_loading(image, given, self.engine.name)
        self._imports = Imports(image, given, self.engine, self._bind_import)
        if image.undefined():
            self.image = self._completed(image)

    def _completed(self, image: Image) -> Image:
        """The image with what compiler_rt has of what it lacks, or with the C library if it needs that.

        Code on the processor itself, and code that isn't of ELF objects, has no C library.
        """
        from armexec.compiler_rt import complete
        from armexec.libraries import can_link, library_needed, link_program

        given = self._imports.has
        if self.engine.name != "native" and image.is_shared:
            from armexec.libraries.shared import complete_shared

            image = complete_shared(image, given)
        if self.engine.name != "native" and can_link(image) and library_needed(image.parts, given):
            return link_program(image.name, image.parts, allow_missing=True, is_given=given)
        return complete(image, given)

    def resolve(self, name: str) -> int | None:
        """The address of an undefined symbol by its linkage name, None if no import is given for it.

        Raises:
            LoadError: what is given for it has no address here.
        """
        return self._imports.resolve(name)

    def missing(self) -> dict[str, list[str]]:
        """The symbols that nothing defines, each with the functions that refer to it; by names as in the source."""
        return {
            source_name(name): list(users)
            for name, users in self.image.missing_symbols.items()
            if self.resolve(name) is None
        }

    def _bind_import(self, name: str, function: Callable[..., Any]) -> tuple[int, object]:
        """The address of a function of Python that stands for an undefined symbol, and what keeps it."""
        from armexec.module.guest_callbacks import Callback

        given: Prototype | None = None
        if isinstance(function, GuestCode) and function.sandbox is not self.engine.sandbox:
            # It is code outside of the sandbox, or of another one: Python calls it.
            given = getattr(function, "prototype", None)
        elif isinstance(function, Callback):
            self.check_engine(function.engine, f"the import {source_name(name)!r}")
            function = self._fitting(function)
            return function.address, function
        prototype = given or self.image.prototype(name)
        if prototype is None:
            raise LoadError(
                f"the import {source_name(name)!r}: its prototype isn't known: give"
                f' armexec.callback(function, "int(int)"), with its types'
            )
        made = self.callback(function, prototype)
        return made.address, made

    def check_engine(self, engine: str, what: str) -> None:
        """Raises SignatureError for code of another engine."""
        if engine != self.engine.name:
            raise SignatureError(
                f"{what} is code of the engine {engine!r}, and {self.image.name} runs on {self.engine.name!r}"
            )

    @property
    def _callbacks(self) -> Callbacks:
        made: Callbacks | None = self.__dict__.get("made_callbacks")
        if made is None:
            from armexec.abi import calling_convention
            from armexec.module.guest_callbacks import Callbacks

            # Two threads may make a cached_property at once (Python 3.12), and the callbacks of one would be gone.
            made = self.__dict__.setdefault("made_callbacks", Callbacks(self.engine, calling_convention(self.image)))
        return made

    def callback(self, function: Callable[..., Any], prototype: Prototype) -> Callback:
        """The callback of a function of Python: the same one as long as it is kept.

        Raises:
            SignatureError, HostError: as Callback does.
        """
        return self._callbacks.bind(function, prototype)

    def _fitting(self, callback: Callback) -> Callback:
        """A callback for this code's calling convention, in which its signature may mean other types."""
        from armexec.abi import calling_convention

        convention = calling_convention(self.image)
        if callback.convention == convention:
            return callback
        found = self._fitted.get(callback)
        if found is None:
            prototype = prototype_of(callback.signature, self.image)
            found = self._fitted[callback] = type(callback)(callback.function, prototype, self.engine, convention)
        return found

    @cached_property
    def _fitted(self) -> WeakKeyDictionary[Callback, Callback]:
        """Callbacks for this code's convention, which live as long as those that were given."""
        return WeakKeyDictionary()

    def address_of_guest(self, function: Callable[..., Any]) -> int | None:
        """The address of a function of the guest or of a Callback; None for other callables.

        Raises:
            SignatureError: it is code of another engine.
        """
        if not isinstance(function, GuestCode):
            return None
        if function.sandbox is not self.engine.sandbox:
            # The guest can't reach it: Python calls it.
            return None
        from armexec.module.guest_callbacks import Callback

        self.check_engine(str(function.engine), f"{function!r:.80}")
        if isinstance(function, Callback):
            return self._fitting(function).address
        self._check_places(function)
        return function.address

    def _check_places(self, function: Any) -> None:
        """Raises SignatureError if a function of another system wants arguments where this code doesn't put them."""
        from armexec.abi import can_call

        prototype, other = function.prototype, function.module.image
        if prototype is not None and not can_call(self.image, other, prototype):
            raise SignatureError(
                f"{function!r:.80} is code for another system, whose calling convention has other places for"
                f" `{prototype}` than that of {self.image.name}: compile both for one target"
            )

    def address_of_function(self, ctype: CType, function: Callable[..., Any]) -> int:
        """The address to pass for a function pointer: that of the guest's own functions, or of a callback.

        Raises:
            SignatureError: it is code of another engine, or can't be called as the type says.
        """
        address = self.address_of_guest(function)
        if address is not None:
            return address
        from armexec.module.guest_callbacks import prototype_of_pointer

        prototype = prototype_of_pointer(ctype)
        assert prototype is not None
        return self.callback(function, prototype).address


def _wants_library(image: Image, imports: Mapping[str, Import]) -> bool:
    """Whether an image needs the C library for symbols that aren't imported, and can have it."""

    def given(name: str) -> bool:
        return name in imports or source_name(name) in imports

    if image.is_shared:
        from armexec.libraries.shared import shared_library_needed

        return shared_library_needed(image, given)
    if not image.undefined():
        return False
    from armexec.libraries import can_link, library_needed

    return can_link(image) and library_needed(image.parts, given)
