"""Modules in pickles: by their content, so that they load in other processes and on other hosts.

A pickle has two parts. The code is the image, compressed. The links are what the module was loaded with: engine,
settings and imports. A digest of both tells modules apart: a process has one module of each, as long as it is in use.
"""

from __future__ import annotations

import pickle
import sys
import threading
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from armexec.errors import Error, LoadError
from armexec.forks import in_child
from armexec.module.settings import Origin, Settings

__all__ = ["pickled", "pickled_choices", "unpickled_choices"]

_FORMAT = 1
"""To be raised with each change of what pickles have: classes of images, of settings, of types."""
_DIGEST = sha256().digest_size
_KEPT = 8
"""The latest modules out of pickles stay in memory: pools and clusters unpickle a function again for each task."""


def pickled(module: Any, origin: Origin, replacements: Mapping[int, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The value of a Module's `__reduce__`; `replacements` has what stands for functions, by their offsets.

    Raises:
        Error: it is closed, or an import, or what replaces a function, can't be sent.
    """
    name = module.name
    if module.closed:
        raise Error(f"{name}: the module is closed, and can't be pickled")
    with _once(module, name):
        links = _links(module, origin, replacements)
        return _module_again, (type(module), _FORMAT, str(name), _code(module), links)


def _code(module: Any) -> bytes:
    """The image, sealed; the same bytes each time, so that a pickle of several functions has them once."""
    found: bytes | None = module.__dict__.get("_pickled_code")
    if found is None:
        found = _sealed(zlib.compress(pickle.dumps(module.image, 5), 6))
        module.__dict__["_pickled_code"] = found
    return found


def _links(module: Any, origin: Origin, replacements: Mapping[int, Any]) -> bytes:
    """All else, sealed. It isn't compressed: Dask looks for `__main__` in it."""
    name = module.name
    imports = {key: _import(value, f"{name}: the import {key!r}") for key, value in origin.imports.items()}
    replaced = []
    for offset, replacement in replacements.items():
        if replacement is None:
            continue
        own = getattr(replacement, "module", None) is module
        # Of a callback that the module itself has made, the receiver makes another one.
        value = replacement.function if getattr(replacement, "given", replacement) is None else replacement
        what = f"{name}: the replacement of the function at {offset:#x}"
        replaced.append((offset, value.offset if own else _callable(value, what)))
    settings = {key: value for key, value in asdict(origin.settings).items() if value is not None}
    return _sealed(pickle.dumps((origin.engine, settings, imports, replaced, module.diagnostics), 5))


def _import(value: Any, what: str) -> bytes:
    if callable(value) or hasattr(value, "loaded"):
        return _callable(value, what)
    raise Error(f"{what} is an address of this process, and can't be pickled: import a function or a module instead")


def _callable(value: Any, what: str) -> bytes:
    """The pickle of a callable or a module. Raises Error."""
    dumps = _cloudpickle()
    try:
        return (dumps or pickle.dumps)(value)
    except Error as error:
        raise Error(f"{what}: {error}") from error
    except Exception as error:
        advice = "" if dumps else ": define it with `def` in a module, or use cloudpickle"
        raise Error(f"{what} is {value!r:.80}, which can't be pickled ({error}){advice}") from error


def _cloudpickle() -> Callable[[Any], bytes] | None:
    """The `dumps` of the cloudpickle that is at work, the package itself or a copy as Ray and joblib have one; None if
    it is another pickler. Picklers don't tell their objects who they are."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "dump" and frame.f_globals.get("__name__", "").endswith("cloudpickle.cloudpickle"):
            found: Callable[[Any], bytes] = frame.f_globals["dumps"]
            return found
        frame = frame.f_back  # type: ignore[assignment]
    return None


_at_work = threading.local()


@contextmanager
def _once(module: Any, name: str) -> Iterator[None]:
    """Raises Error if this thread is pickling the module already: what it imports refers to it."""
    inside: set[int] = _at_work.__dict__.setdefault("modules", set())
    if id(module) in inside:
        raise Error(f"{name}: the module can't be pickled: a function of Python that it calls refers to it")
    inside.add(id(module))
    try:
        yield
    finally:
        inside.discard(id(module))


# Out of pickles


_modules: weakref.WeakValueDictionary[bytes, Any] = weakref.WeakValueDictionary()
_recent: deque[Any] = deque(maxlen=_KEPT)
_locks: dict[bytes, threading.RLock] = {}
in_child(_locks.clear)


def _module_again(kind: type[Any], format: int, name: str, code: bytes, links: bytes) -> Any:
    """The module of a pickle: the one that this process has made of the same content, if it is in use, or a new one.

    Raises:
        LoadError: the pickle is damaged, or of another version of armexec.
        Error: as the module's class does.
    """
    if format != _FORMAT:
        raise LoadError(
            f"{name}: the pickle has format {format}, and this version of armexec reads {_FORMAT}: use the same version"
            " on both sides"
        )
    image, rest = _opened(code, name), _opened(links, name)
    key = sha256(code[:_DIGEST] + links[:_DIGEST]).digest()
    # Another thread may be at it: initializers run once.
    with _locks.setdefault(key, threading.RLock()):
        made = _modules.get(key)
        if made is None or made.closed:
            made = _loaded(kind, name, image, rest)
            made.__dict__["_pickled_code"] = code
            _modules[key] = made
        if made not in _recent:
            _recent.append(made)
        return made


def _loaded(kind: type[Any], name: str, code: bytes, links: bytes) -> Any:
    try:
        engine, settings, imports, replaced, diagnostics = pickle.loads(links)
        image = pickle.loads(zlib.decompress(code))
    except Exception as error:
        raise LoadError(f"{name}: the pickle can't be read: {error!r:.200}") from error
    given = {key: _value(data, f"{name}: the import {key!r}") for key, data in imports.items()}
    made = kind(image, engine, imports=given, settings=Settings(**settings), diagnostics=diagnostics)
    for offset, value in replaced:
        what = f"{name}: the replacement of the function at {offset:#x}"
        made.replace(offset, made.at(value, "void()") if isinstance(value, int) else _value(value, what))
    return made


def pickled_choices(*choices: object) -> bytes:
    """What a function was given beside its place: prototype, class of text, types of variable arguments."""
    return pickle.dumps(choices, 5)


def unpickled_choices(data: bytes, name: str) -> Any:
    """What `pickled_choices` was given. Raises LoadError."""
    return _value(data, f"{name}: the prototype of a function")


def _value(data: bytes, what: str) -> Any:
    try:
        return pickle.loads(data)
    except Error:
        raise
    except Exception as error:
        raise LoadError(f"{what} can't be read from the pickle: {error!r:.200}") from error


def _sealed(data: bytes) -> bytes:
    return sha256(data).digest() + data


def _opened(sealed: bytes, name: str) -> bytes:
    """Raises LoadError for bytes that `_sealed` hasn't made."""
    data = sealed[_DIGEST:] if isinstance(sealed, bytes) else b""
    if not data or sha256(data).digest() != sealed[:_DIGEST]:
        raise LoadError(f"{name}: the pickle is damaged")
    return data
