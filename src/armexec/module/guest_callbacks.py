"""Functions of Python that guest code calls: by function pointers, imports, and tables of pointers."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from armexec.abi.frames import CalleePlan
from armexec.abi.lending import LentOwners, no_address
from armexec.abi.placement import CallingConvention
from armexec.engines import Engine, SupportsFastCallbacks, get_engine
from armexec.errors import SignatureError
from armexec.module.arguments.variable import VariableArguments, VariablePlans
from armexec.module.guest_code import GuestCode
from armexec.module.signatures import prototype_of
from armexec.objects import CType, Prototype
from armexec.objects.prototypes import Parameter

if TYPE_CHECKING:
    from armexec.callbacks import HostFunction
    from armexec.cpu.call_frame import CallFrame
    from armexec.memory import Sandbox

__all__ = ["Callback", "Callbacks", "callback", "check_arity", "identity", "prototype_of_pointer"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class Callback(GuestCode):
    """A function of Python with an address that guest code can call. It is good as long as this object exists.

    It is passed for a function pointer, put into structs and tables, and given as an import; as an int it is its
    address. Calling it calls the function.
    """

    def __init__(
        self, function: Callable[..., Any], prototype: Prototype, engine: Engine, convention: CallingConvention
    ) -> None:
        """Give a function an address.

        Raises:
            SignatureError: a type can't be passed, or the function takes another number of arguments.
            HostError: no addresses are left.
        """
        check_arity(function, prototype)
        self.function = function
        self.prototype = prototype
        self.convention = convention
        self.signature: str | Prototype = prototype
        self.given: tuple[str | None, str] | None = None
        """The engine and the target that `callback` was given; None where a module has made it."""
        self._engine = engine.name
        self._sandbox = engine.sandbox
        self._host = _bind(function, prototype, engine, convention)

    @property
    def engine(self) -> str:
        """The engine of the code that may call it."""
        return self._engine

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox whose code may call it; None: code that is in none."""
        return self._sandbox

    @property
    def address(self) -> int:
        """The address."""
        return self._host.address

    def __index__(self) -> int:
        return self._host.address

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    def __reduce__(self) -> tuple[Any, ...]:
        engine, target = self.given or (self._engine, "apple" if self.convention == "apple" else "linux")
        return _callback_again, (self.function, self.signature, engine, target)

    def __repr__(self) -> str:
        return f"<Callback {self.prototype} at 0x{self.address:x}, {self.engine}>"


def callback(
    function: Callable[..., Any], signature: str | Prototype, *, engine: str | None = None, target: str = "host"
) -> Callback:
    """An address for a function of Python, that guest code can call as long as the result exists.

    A callable that is passed for a function pointer needs none of this: it has an address as long as the module exists,
    or until some thousand others have been passed. This is for tables of functions, such as C++'s and JNI's, and for
    pointers that are kept for longer.

    Args:
        function: it is called with ints, floats and values of structs, and returns what the signature says. Pointers
            are ints that lead to what they point to: `p[0]`. One with `...` gets its variable arguments as the last
            argument, whose `next("int")` gives one after the other.
        signature: a C prototype, such as "int(const void *, const void *)".
        engine: the engine of the code that calls it; this host's default otherwise.
        target: the system whose calling convention the address is for, and whose `char` and `long double` the signature
            means: "host", "linux" or "apple". Modules that get it as an import or as an argument need no such thing.

    Raises:
        SignatureError: the signature can't be read or has what can't be passed, the function takes another number of
            arguments, or there is no such target.
        HostError: the engine can't run here.

    >>> import armexec
    >>> apply = armexec.compile("long apply(long (*f)(long), long x) { return f(x) + 1; }", "c")
    >>> double = armexec.callback(lambda x: 2 * x, "long(long)")
    >>> apply.apply(double, 20)
    41
    """
    if not callable(function):
        raise SignatureError(f"a callback is a function, not {type(function).__name__} {function!r:.60}")
    from armexec.abi import calling_convention

    conventions: dict[str, CallingConvention] = {
        "host": calling_convention(None),
        "linux": "aapcs64",
        "apple": "apple",
    }
    if not isinstance(target, str) or target not in conventions:
        raise SignatureError(f"there is no target {target!r:.60}: choose one of {', '.join(conventions)}")
    convention = conventions[target]
    made = Callback(function, prototype_of(signature, convention=convention), get_engine(engine), convention)
    made.signature, made.given = signature, (engine, target)
    return made


def _callback_again(
    function: Callable[..., Any], signature: str | Prototype, engine: str | None, target: str
) -> Callback:
    """The callback of a pickle, which gets an address of this process."""
    return callback(function, signature, engine=engine, target=target)


def prototype_of_pointer(ctype: CType) -> Prototype | None:
    """The prototype of what a function pointer points to; None for other types."""
    target = ctype.target if ctype.kind == "pointer" else ctype
    if target is None or target.kind != "function":
        return None
    result = target.target or CType("void", name="void")
    return Prototype("", result, tuple(Parameter("", parameter) for parameter in target.parameters), target.variadic)


class Callbacks:
    """The callables that were passed for function pointers to one module's code, each with its address.

    The latest `KEPT` are kept, since the guest may call them later.
    """

    KEPT = 4096

    def __init__(self, engine: Engine, convention: CallingConvention) -> None:
        self._engine = engine
        self._convention = convention
        self._bound: OrderedDict[Any, Callback] = OrderedDict()

    def bind(self, function: Callable[..., Any], prototype: Prototype) -> Callback:
        """The callback of a function, the same one as long as it is kept. Raises SignatureError, HostError."""
        key = identity(function), str(prototype)
        found = self._bound.get(key)
        if found is None:
            found = self._bound[key] = Callback(function, prototype, self._engine, self._convention)
            while len(self._bound) > self.KEPT:
                self._bound.popitem(last=False)
        else:
            self._bound.move_to_end(key)
        return found


def identity(function: Callable[..., Any]) -> Any:
    """What tells a function from others: the bound methods of one object are new objects each time."""
    if inspect.ismethod(function):
        return id(function.__self__), function.__func__
    return id(function)


def check_arity(function: Callable[..., Any], prototype: Prototype) -> None:
    """Raises SignatureError if it can't be called with so many arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a function of C's doesn't tell
    # The variable arguments are one.
    count = len(prototype.parameters) + prototype.variadic
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise SignatureError(
            f"`{prototype}` calls its function with {count} argument{'' if count == 1 else 's'}, and"
            f" {name}{signature} can't be called so: {error}"
        ) from None


def _bind(
    function: Callable[..., Any], prototype: Prototype, engine: Engine, convention: CallingConvention
) -> HostFunction:
    sandbox = engine.sandbox
    memory = None if sandbox is None else sandbox.memory
    plan = CalleePlan(prototype, convention, sandbox=memory)
    take, put = plan.arguments, plan.set_result
    # As in C, what a function gives where nothing is wanted is left out.
    has_result = prototype.result.kind != "void"
    # What the latest result refers to.
    alive: list[Any] = [] if sandbox is None else LentOwners(no_address, sandbox)

    def enter(frame: CallFrame) -> None:
        block = memoryview(frame).cast("B")
        result = function(*take(block))
        if has_result:
            alive.clear()
            put(block, result, alive)

    if prototype.variadic:
        plans = VariablePlans(prototype, convention, memory)
        return engine.host_functions().add(_with_variable(function, plans, alive))
    host = engine.host_functions().add(enter)
    if isinstance(engine, SupportsFastCallbacks):
        engine.make_fast_callback(host, prototype, function, _converter(plan, prototype))
    return host


def _with_variable(function: Callable[..., Any], plans: VariablePlans, alive: list[Any]) -> Callable[[CallFrame], None]:
    """What calls a function with variable arguments. `alive` gets what the latest result refers to."""
    plan = plans.plan()
    has_result = plans.prototype.result.kind != "void"

    def enter(frame: CallFrame) -> None:
        block = memoryview(frame).cast("B")
        variable = VariableArguments(plans, block)
        try:
            result = function(*plan.arguments(block), variable)
        finally:
            variable.close()
        if has_result:
            alive.clear()
            plan.set_result(block, result, alive)

    return enter


def _converter(plan: CalleePlan, prototype: Prototype) -> Callable[[Any], Any]:
    """A function from a result of any class to an int in range or a float. It raises SignatureError."""
    from armexec.abi.values import codec

    if prototype.result.kind == "void":
        return lambda value: value
    kind = codec(prototype.result)
    what = f"`{prototype}`: the result, `{prototype.result}`"

    def convert(value: Any) -> Any:
        try:
            found = kind.unpack(kind.pack(value, []))
        except SignatureError as error:
            raise SignatureError(f"{what}: {error}") from None
        return int(found) if isinstance(found, bool) else found

    return convert
