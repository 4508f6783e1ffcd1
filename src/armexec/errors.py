"""The exceptions that armexec raises. Each says what happened, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypedDict, Unpack

if TYPE_CHECKING:
    from armexec.backtraces import Backtrace

__all__ = [
    "Aborted",
    "AssemblyError",
    "BreakpointHit",
    "CompileError",
    "Diagnostic",
    "Error",
    "ExecutionError",
    "GuestException",
    "HostError",
    "IllegalInstruction",
    "InstructionLimitExceeded",
    "LoadError",
    "MemoryFault",
    "SignatureError",
    "StackOverflow",
    "SystemCallDenied",
    "TimeLimitExceeded",
    "UndefinedSymbol",
    "UnknownRegister",
    "UnsupportedInstruction",
    "WorkerCrashed",
    "note_call",
]


class Error(Exception):
    """The base of every exception armexec raises. It can be pickled and copied with all its fields."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args, self._fields())

    def _fields(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_render_traceback_"}

    # Notebooks show exceptions by these. Exceptions know nothing of notebooks, so that is found by its name.

    def _repr_html_(self) -> str:
        """The text, and what is known of the place, for notebooks."""
        from importlib import import_module

        shown: str = import_module("armexec.notebooks.error_html").error_html(self)
        return shown

    def _render_traceback_(self) -> list[str]:
        """The traceback as lines, for IPython: without armexec's own frames, and with those of the guest."""
        from importlib import import_module

        lines: list[str] = import_module("armexec.notebooks.tracebacks").rendered(self)
        return lines


def _made_again(kind: type[Error], args: tuple[Any, ...], fields: dict[str, Any]) -> Error:
    """A copy of an exception, made without its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class Diagnostic(NamedTuple):
    """One message of a compiler. `line` and `column` count from 1; 0 means not known."""

    file: str
    line: int
    column: int
    severity: str
    message: str


class CompileError(Error):
    """The compiler refused the source, or no compiler could be run.

    `diagnostics` are its messages in order; `text` is everything it printed.
    """

    def __init__(self, message: str, *, diagnostics: tuple[Diagnostic, ...] = (), text: str = "") -> None:
        super().__init__(message)
        self.diagnostics = diagnostics
        self.text = text

    @property
    def _first(self) -> Diagnostic | None:
        errors = [d for d in self.diagnostics if "error" in d.severity]
        return errors[0] if errors else (self.diagnostics[0] if self.diagnostics else None)

    @property
    def file(self) -> str:
        """The file of the first error, or an empty string."""
        return self._first.file if self._first else ""

    @property
    def line(self) -> int:
        """The line of the first error, from 1, or 0."""
        return self._first.line if self._first else 0

    @property
    def column(self) -> int:
        """The column of the first error, from 1, or 0."""
        return self._first.column if self._first else 0


class AssemblyError(Error):
    """A line of assembly (or a builder call) that has no encoding.

    `line` and `column` count from 1 (0 for a builder call); `source_line` is the line's text; `hint` names the
    nearest valid form. `expansions` has a line of text for each macro, repetition or included file that the line
    comes from, from the innermost. `str()` shows all of it with a caret under the column.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int = 0,
        column: int = 0,
        source_line: str = "",
        hint: str = "",
        file: str = "<assembly>",
        expansions: tuple[str, ...] = (),
    ) -> None:
        self.message = message
        self.expansions = expansions
        self.line = line
        self.column = column
        self.source_line = source_line
        self.hint = hint
        self.file = file
        super().__init__(self._render())

    def _render(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        lines = [f"{where}{self.message}"]
        if self.source_line:
            # Of a long line, the part around the column.
            start = max(self.column - 60, 0) if len(self.source_line) > 160 else 0
            shown = self.source_line[start : start + 160]
            lines.append(f"    {shown}")
            if self.column:
                # Tabs are kept so that the caret stands under the same column on screen.
                lead = "".join("\t" if c == "\t" else " " for c in shown[: self.column - 1 - start])
                lines.append(f"    {lead}^")
        if self.hint:
            lines.append(self.hint)
        return "\n".join([*lines, *self.expansions])


class LoadError(Error):
    """A file or bytes that can't become an image: missing, malformed, or with an unresolved symbol."""


class SignatureError(Error, TypeError):
    """A prototype that can't be read, or arguments that don't fit it."""


class HostError(Error):
    """The host refused something armexec needs, such as executable memory, or lacks the engine asked for."""


class WorkerCrashed(Error):
    """The worker process of a module that was loaded with `isolate="process"` has ended during a call.

    `signal`: the number of the signal that ended it, such as 11 for SIGSEGV, else 0. `status`: its exit status if it
    ended otherwise. The next call starts another worker, where the module is loaded anew.
    """

    def __init__(self, message: str, *, signal: int = 0, status: int = 0) -> None:
        super().__init__(message)
        self.signal = signal
        self.status = status


class UnknownRegister(Error, LookupError):
    """A register was asked for whose content isn't known, or that there isn't."""


class _Place(TypedDict, total=False):
    """The arguments of an ExecutionError that its subclasses hand on."""

    symbol: str
    source: str
    instruction: str
    function: str


class ExecutionError(Error):
    """An error of the guest. `pc` is the address of the instruction that did it.

    `symbol` (`name+offset`), `function` (its name as in the source), `source` (`file:line`) and `instruction` (its
    text) are empty where not known. Finding them takes much longer than raising the exception, so they are found when
    they are first asked for.

    `cpu` has the registers as they were then, by the names that `armexec.Cpu` has for them. `cpu.known` says which of
    them are known, and these are exact: all on the engines `reference` and `native`, those that its code still had on
    `translated`. It is None where nothing is known of the processor. `backtrace` has the calls that were going on.
    """

    cpu: Any
    backtrace: Backtrace
    message: str
    pc: int
    symbol: str
    source: str
    instruction: str
    function: str

    def __init__(
        self,
        message: str,
        *,
        pc: int,
        symbol: str = "",
        source: str = "",
        instruction: str = "",
        function: str = "",
    ) -> None:
        self.message = message
        self.pc = pc
        self.symbol = symbol
        self.source = source
        self.instruction = instruction
        self.function = function
        super().__init__(self._render())

    @classmethod
    def found_later(cls, find: Callable[[], Mapping[str, Any]], **known: Any) -> Self:
        """An exception whose other fields `find` gives, when one of them is first asked for.

        A field `__notes__` is a list of lines that are shown below its text.
        """
        error = cls.__new__(cls)
        error.__dict__.update(known, _find=find)
        return error

    def tell_later(self, **fields: Callable[[Self], Any]) -> None:
        """Give fields by functions, which are called with this exception when their field is first asked for."""
        self.__dict__["_later"] = fields

    @property
    def is_told(self) -> bool:
        """Whether it has a `cpu` and a `backtrace` from where it was raised."""
        return "_later" in self.__dict__ or "backtrace" in self.__dict__

    def debug(self) -> Any:
        """A session (`armexec.debug`) of the call that has failed, at the instruction that did, with its past.

        The call is made once more, with the same arguments and the memory as it is now. After the end of a limit the
        session is at the beginning.

        Raises:
            Error: it isn't known which call that was, or the call doesn't fail now.
        """
        again = self.__dict__.get("_again")
        if again is None:
            raise Error("this exception doesn't know its call: give armexec.debug the function and its arguments")
        from importlib import import_module

        # By its name: exceptions know nothing of debuggers.
        return import_module("armexec.debugger").reopened(self, *again[:2])

    def know_call(self, what: object, arguments: tuple[Any, ...]) -> None:
        """Keep which call has raised it, for `debug`: the innermost, which is told first."""
        self.__dict__.setdefault("_again", (what, arguments))

    def _find_later(self, name: str) -> Any:
        later = self.__dict__.get("_later", _NOTHING)
        value = self.__dict__[name] = later[name](self) if name in later else _DEFAULTS[name]()
        return value

    def _find_rest(self) -> None:
        find = self.__dict__.get("_find")
        if find is not None:
            self.__dict__.update(find())
            _ARGS.__set__(self, (self._render(),))
            # Last: another thread may ask at the same time.
            self.__dict__.pop("_find", None)

    def __getattr__(self, name: str) -> Any:
        # Only what isn't there is asked for here.
        if name in _DEFAULTS:
            return self._find_later(name)
        if "_find" in self.__dict__ and (name == "__notes__" or not name.startswith("_")):
            self._find_rest()
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def args(self) -> tuple[Any, ...]:
        """The text."""
        self._find_rest()
        return tuple(_ARGS.__get__(self))

    @args.setter
    def args(self, value: tuple[Any, ...]) -> None:
        self._find_rest()
        _ARGS.__set__(self, value)

    def __str__(self) -> str:
        self._find_rest()
        return super().__str__()

    def __repr__(self) -> str:
        self._find_rest()
        return super().__repr__()

    def _fields(self) -> dict[str, Any]:
        self._find_rest()
        for name in self.__dict__.get("_later", _NOTHING):
            getattr(self, name)
        self.__dict__.pop("_later", None)
        # What was called is in this process.
        return {name: value for name, value in super()._fields().items() if name != "_again"}

    def _render(self) -> str:
        where = f"at 0x{self.pc:x}"
        if self.symbol:
            name, plus, distance = self.symbol.partition("+")
            where += f" ({self.function or name}{plus}{distance})"
        if self.source:
            where += f", {self.source}"
        if self.instruction:
            where += f", in `{self.instruction}`"
        return f"{self.message} {where}"


def note_call(error: object, call: object, arguments: tuple[Any, ...]) -> None:
    """Have an exception know the call that raised it. `call.again` makes the Function, if the call has that."""
    again = getattr(call, "again", None)
    if again is not None and isinstance(error, ExecutionError):
        # Its module stays as long as the exception. The Function is made when it is asked for.
        error.__dict__.setdefault("_again", (again, arguments, again.module()))


def _no_backtrace() -> Backtrace:
    # Only now: it isn't needed to start.
    from armexec.backtraces import Backtrace

    return Backtrace()


_NOTHING: Mapping[str, Callable[[Any], Any]] = MappingProxyType({})
_DEFAULTS: Mapping[str, Callable[[], Any]] = MappingProxyType({"cpu": lambda: None, "backtrace": _no_backtrace})
_ARGS: Any = BaseException.__dict__["args"]


class MemoryFault(ExecutionError):
    """An access the guest's memory doesn't allow: `access` ("read", "write", "execute" or "align") of `address`."""

    address: int
    access: str

    def __init__(self, message: str, *, pc: int, address: int, access: str, **place: Unpack[_Place]) -> None:
        self.address = address
        self.access = access
        super().__init__(message, pc=pc, **place)


class UndefinedSymbol(ExecutionError):
    """A call of a function, or a use of a variable, that no loaded object defines.

    `name` is as in the source. `pc`, `symbol`, `source` and `instruction` give the instruction that refers to it; `pc`
    is the symbol's own address where a pointer was called.
    """

    def __init__(self, message: str, *, pc: int, name: str, **place: Unpack[_Place]) -> None:
        self.name = name
        super().__init__(message, pc=pc, **place)


class StackOverflow(MemoryFault):
    """The stack is used up, by recursion or by large local variables. `size` is its size in bytes.

    The guest's stack has 8 MiB, or the `stack_size` of `limits` or of the module, or the size that the environment
    variable ARMEXEC_STACK gives when a module is loaded.
    Translated functions also need the stack of the thread that calls them.
    """

    size: int

    def __init__(self, message: str, *, pc: int, address: int, access: str, size: int, **place: Unpack[_Place]) -> None:
        self.size = size
        super().__init__(message, pc=pc, address=address, access=access, **place)


class IllegalInstruction(ExecutionError):
    """An undefined or privileged instruction was executed."""


class UnsupportedInstruction(IllegalInstruction):
    """An instruction of an extension of the architecture that armexec doesn't have was executed.

    `word` is its 32 bits, `encoding` Arm's name for it, `address` where it stands, as `pc`.
    """

    word: int
    address: int
    encoding: str

    def __init__(self, message: str, *, pc: int, word: int, encoding: str, **place: Unpack[_Place]) -> None:
        self.word = word
        self.address = pc
        self.encoding = encoding
        super().__init__(message, pc=pc, **place)


class BreakpointHit(ExecutionError):
    """A `brk` or `hlt` instruction was executed."""


class Aborted(ExecutionError):
    """The program ended itself, by abort, a failed stack protector, an overflow under -ftrapv, a call of a pure virtual
    function, an operator new without memory, or std::terminate. The place is that of the call."""


class GuestException(ExecutionError):
    """A C++ exception that no function of the guest has caught.

    `type` is its type as in the source, "std::runtime_error"; empty for one that isn't of C++. `what` is the text of
    `what()` if it is a std::exception, else None. `value` is what was thrown if that is a number, a `const char *` or a
    std::string, else None. `pc` and the place are those of the throw, or of the call that led to it in the program's
    own code. Source: Itanium C++ ABI, "Exception Handling".
    """

    type: str
    what: str | None
    value: Any

    def __init__(
        self,
        message: str,
        *,
        pc: int,
        type: str,
        what: str | None = None,
        value: Any = None,
        **place: Unpack[_Place],
    ) -> None:
        self.type = type
        self.what = what
        self.value = value
        super().__init__(message, pc=pc, **place)


class TimeLimitExceeded(ExecutionError):
    """The guest ran longer than the time limit allows."""


class InstructionLimitExceeded(ExecutionError):
    """The guest executed more instructions than the limit allows."""


class SystemCallDenied(ExecutionError):
    """The guest made a system call (`svc`) where none is allowed."""
