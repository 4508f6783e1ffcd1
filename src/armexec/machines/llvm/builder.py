"""A builder of LLVM IR as text: instructions with fresh names, blocks with fresh labels, and the state structure.

Text is appended many times faster than llvmlite's objects are made. Straight-line code goes through `line` and `append`
with its text; control flow has methods of its own, so that labels and the block that is being written stay right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Builder", "Host", "Operand", "State"]


@dataclass(frozen=True)
class Host:
    """The abilities of the host's processor. `features`: LLVM's names."""

    features: frozenset[str] = frozenset()
    wide_atomics: bool = True
    """Whether it compares and exchanges 16 bytes."""
    halves: bool = True
    """Whether it converts between half and single precision."""

    def has(self, feature: str) -> bool:
        return feature in self.features


class Operand(Protocol):
    """A value: its text, and what it is if it is a constant or an address of the guest."""

    text: str
    width: int
    constant: int | None
    address: int | None


class Builder:
    """Appends lines of IR to `out`.

    `image_base`: addresses of the guest are emitted relative to the symbol `@image`, which is there; None emits them as
    they are. `sandbox`: they are offsets of 32 bits from the symbol `@memory`, and emitted as they are. `pc`: the
    address of the guest's instruction that the lines belong to. `label`: the block that is being written, "" for one
    that was begun elsewhere. `sums`: values that are a root plus a constant, by name, with these; None if nobody asks
    for them.
    """

    __slots__ = ("count", "host", "image_base", "label", "out", "pc", "sandbox", "state", "sums")

    def __init__(
        self,
        offsets: Mapping[str, int] | None = None,
        image_base: int | None = None,
        host: Host | None = None,
        *,
        sandbox: bool = False,
    ) -> None:
        self.image_base = image_base
        self.sandbox = sandbox
        self.host = host or Host()
        self.state = State(self, offsets or {})
        self.count = 0
        self.pc = 0
        self.sums: dict[str, tuple[str, int]] | None = None
        self.begin()

    def begin(self) -> None:
        """Begin another text; names and labels go on."""
        self.out: list[str] = []
        self.label = ""
        self.state.is_used = False

    # -- lines --------------------------------------------------------------------------------------------------
    def append(self, text: str) -> None:
        """Append a line."""
        self.out.append(text)

    def line(self, text: str) -> str:
        """Append `name = text`; the name."""
        self.count += 1
        name = f"%v{self.count}"
        self.out.append(f"{name} = {text}")
        return name

    def mark(self, pc: int) -> None:
        """Say that what follows belongs to the guest's instruction at `pc`."""
        if self.image_base is not None:
            self.out.append(f";@{pc - self.image_base:x}")

    def note(self, at: int, written: Mapping[int, Operand]) -> None:
        """Say in the mark that is line `at` which general registers its instruction has written, and what.

        X0 to X30 and SP are `x0` to `x31`, and `w0` to `w30` where the upper half is zero. A constant is decimal, an
        address that of an offset in the image: `@` and the offset.
        """
        if self.image_base is None:
            return
        for number, value in written.items():
            text = value.text
            if value.constant is not None:
                text = str(value.constant)
            elif value.address is not None:
                text = f"@{value.address - self.image_base:x}"
            self.out[at] += f" {'x' if value.width == 64 else 'w'}{number}={text}"

    def clobber(self, registers: int) -> None:
        """Say that general registers, a set as bits, aren't what they were: `;~` and the set."""
        self.out.append(f";~{registers:x}")

    def load(self, kind: str, pointer: str, align: int = 0) -> str:
        """Load a value of a type; its name."""
        text = f"load {kind}, ptr {pointer}"
        return self.line(f"{text}, align {align}" if align else text)

    def store(self, kind: str, value: str, pointer: str, align: int = 0) -> None:
        text = f"store {kind} {value}, ptr {pointer}"
        self.out.append(f"{text}, align {align}" if align else text)

    def call(self, result: str, function: str, *arguments: str) -> str:
        """Call a function with arguments, each a type and a name; the result's name, "" if it is void.

        `result` is the type, after a calling convention and before attributes if there are any.
        """
        text = f"call {result} {function}({', '.join(arguments)})"
        if result.endswith("void"):
            self.out.append(text)
            return ""
        return self.line(text)

    # -- control flow -------------------------------------------------------------------------------------------
    def block(self, kind: str) -> str:
        """A label that nothing else of this builder has."""
        self.count += 1
        return f"{kind}.{self.count}"

    def start(self, label: str) -> None:
        """Start the block of a label."""
        self.label = label
        self.out.append(f"{label}:")

    def jump(self, label: str) -> None:
        self.out.append(f"br label %{label}")

    def branch(self, condition: str, then: str, otherwise: str, *, weights: str = "", loop: str = "") -> None:
        """Go to the block `then` where a bit is set. `weights`, `loop`: names of metadata."""
        metadata = (f", !prof {weights}" if weights else "") + (f", !llvm.loop {loop}" if loop else "")
        self.out.append(f"br i1 {condition}, label %{then}, label %{otherwise}{metadata}")

    def switch(self, value: str, otherwise: str, cases: Iterable[tuple[int, str]], *, weights: str = "") -> None:
        """Go to the label that stands with a 64-bit value. `weights`: the name of metadata."""
        table = " ".join(f"i64 {case}, label %{label}" for case, label in cases)
        self.out.append(f"switch i64 {value}, label %{otherwise} [{table}]{f', !prof {weights}' if weights else ''}")

    def ret(self, kind: str = "void", value: str = "") -> None:
        self.out.append(f"ret {kind} {value}" if value else f"ret {kind}")

    def unreachable(self) -> None:
        self.out.append("unreachable")


class State:
    """The state structure, `%state`. `offsets`: where its fields are. `is_used`: whether the text refers to one."""

    __slots__ = ("builder", "is_used", "offsets")

    def __init__(self, builder: Builder, offsets: Mapping[str, int]) -> None:
        self.builder = builder
        self.offsets = offsets
        self.is_used = False

    def pointer(self, name: str) -> str:
        """A pointer to a field."""
        self.is_used = True
        return self.builder.line(f"getelementptr i8, ptr %state, i64 {self.offsets[name]}")

    def load(self, name: str, kind: str = "i64") -> str:
        """Load a field; the name of its value."""
        return self.builder.load(kind, self.pointer(name))

    def store(self, name: str, value: str, kind: str = "i64") -> None:
        """Store a value, which is there already, into a field."""
        self.builder.store(kind, value, self.pointer(name))
