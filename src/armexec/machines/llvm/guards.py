"""Pending floating-point results, the guards that test them, and the ways out to nonspeculative code.

A guard tests the pending results that no other took, together. If one is a NaN, speculative code is left, to run the
segment of the block again in nonspeculative code; that computes all of them again by exact functions, in a cold path.
"""

from __future__ import annotations

from armexec.cpu.registers import RegisterSet, has, q
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.deferred_stores import DeferredStores
from armexec.machines.llvm.exact_nan import FloatType
from armexec.machines.llvm.knowledge import CachedVector, Exit, Knowledge, Segment
from armexec.machines.llvm.shapes import Pending, Shapes, parts
from armexec.machines.llvm.values import ShapedValue, Value

__all__ = ["Guards"]

_MAX_PENDING = 64
"""Maximum count of pending results before they are tested."""

# With AVX-512, LLVM compares vectors into mask registers, and KORTEST tests these: a product of matrices takes 1.25
# times as long as with VCMPPD and VTESTPS.
_VECTOR_COMPARISONS = {
    "<2 x double>": "sse2.cmp.pd",
    "<4 x float>": "sse.cmp.ps",
    "<4 x double>": "avx.cmp.pd.256",
    "<8 x float>": "avx.cmp.ps.256",
}
"""x86-64's comparisons of vectors, by type."""
_SIGN_TESTS = {4: "avx.vtestz.ps", 8: "avx.vtestz.ps.256"}
"""x86-64's tests whether the signs of 32-bit elements are clear, by their number."""


class Guards:
    """The pending results of a block, its segments, and its exits to nonspeculative code.

    `speculates`: a block is left where a NaN comes up (`exits`); otherwise it is dealt with there. `stores`: those that
    wait for a guard. `has_effect`: whether the segment has changed what running it again would change again.

    `unchecked`: while a block of a part that is run again as a whole is translated, the V registers that may be pending
    between blocks, with the sizes of their elements; `is_rejected` is set where more than being a NaN was asked of one.
    """

    def __init__(self, builder: Builder, *, speculates: bool, max_deferred_stores: int = 0) -> None:
        self.builder = builder
        self.speculates = speculates
        self.stores = DeferredStores(builder, max_deferred_stores)
        self.unchecked: dict[int, frozenset[int]] | None = None
        self.is_rejected = False
        self.begin()

    def begin(self) -> None:
        """Start a block."""
        self.pending: list[Pending] = []
        self.segments = [Segment(self.builder.pc, None)]
        self.exits: list[Exit] = []
        self.has_effect = False
        self.stores.forget()
        # Only what waits asks for sums, and the addresses of sandboxes.
        self.builder.sums = {} if self.speculates or self.builder.sandbox else None

    # -- effects, and what is run again -------------------------------------------------------------------------
    def begin_effect(self) -> None:
        """Prepare for what can't be done twice: results that are pending have to be sure by then."""
        self.stores.require_none()
        if self.speculates:
            self.flush_within_instruction()
            self.has_effect = True

    def next_segment(self, knowledge: Knowledge) -> None:
        """Start a segment at this instruction."""
        self.segments.append(Segment(self.builder.pc, knowledge))
        self.has_effect = False

    def _leave(self, label: str) -> None:
        """Note that `label` leaves the block, for the segment to be run again."""
        number = len(self.segments) - 1
        knowledge = self.segments[number].knowledge
        if knowledge is None:
            self.exits.append(Exit(label, number, None, {}))
        else:
            vectors = {n: vector.copy() for n, vector in knowledge[3].items()}
            self.exits.append(Exit(label, number, knowledge[2].fork(), vectors))

    # -- stores -------------------------------------------------------------------------------------------------
    def defer(self, address: Value, value: Value, pointer: str) -> bool:
        """Whether a store waits: one of a pending result does, and all that follow it."""
        if not self.stores.waiting and (
            not self.speculates or self.unchecked is not None or not self.stores.maximum or not _is_pending(value)
        ):
            return False
        self.stores.add(address, value, pointer)
        return True

    def make_stores(self) -> None:
        """Make the stores that wait: the guard is behind us."""
        if self.stores.make():
            self.has_effect = True

    # -- pending results ----------------------------------------------------------------------------------------
    def argument(self, shapes: Shapes, kind: str) -> str | Pending:
        """An operand: pending where it is in this type."""
        pending = shapes.pending
        return pending if pending is not None and pending.kind == kind else shapes.get(kind)

    def suspend(
        self,
        template: str,
        kind: str,
        bits: int,
        raw: str,
        arguments: list[str | Pending],
        propagates_nan: bool,
        lanes: int | None = None,
    ) -> Shapes:
        # Getting an operand in another shape may have flushed those before it.
        flushed = [a.shapes[0].get(a.kind) if isinstance(a, Pending) and a.is_flushed else a for a in arguments]
        result = Pending(self, template, kind, raw, flushed, propagates_nan=propagates_nan)
        if lanes is not None:
            result.alone = lanes
        shapes = Shapes(self.builder, bits, {kind: raw}, pending=result)
        result.shapes.append(shapes)
        self.pending.append(result)
        if len(self.pending) >= _MAX_PENDING and self.unchecked is None:
            self.flush_within_instruction()
        return shapes

    def move(
        self, template: str, of: str, kind: str, bits: int, *sources: tuple[Shapes, int], lanes: int | None = None
    ) -> Shapes:
        """Pending elements in other places, by an instruction, from one type to another.

        With each source, as bits, its lanes that are in the result. `lanes`: those of the result that aren't zero.
        """
        arguments = [self.argument(source, of) for source, _ in sources]
        propagates_nan = True
        for argument, (_, taken) in zip(arguments, sources, strict=True):
            if isinstance(argument, Pending):
                argument.alone &= ~taken
                propagates_nan = propagates_nan and argument.propagates_nan
        raws = [a.raw if isinstance(a, Pending) else a for a in arguments]
        raw = self.builder.line(template.format(*raws))
        return self.suspend(template, kind, bits, raw, arguments, propagates_nan, lanes)

    def carry(self, shapes: Shapes, esize: int) -> None:
        """Take a register's value for a pending result: it is one of an earlier block."""
        kind = FloatType(shapes.bits // esize if shapes.bits > esize else 0, esize).kind
        result = Pending(self, "", kind, shapes.get(kind), [], propagates_nan=True)
        # It is tested where the part ends that it belongs to.
        result.alone = 0
        shapes.pending = result
        result.shapes.append(shapes)
        self.pending.append(result)

    def end_block(self, vectors: dict[int, CachedVector], dirty: RegisterSet) -> dict[int, frozenset[int]]:
        """End a block: test what is pending, or leave that to later blocks.

        `vectors` are the V registers that the block knows, `dirty` those that it wrote. Returns those of them that held
        pending results, with the sizes of their elements.
        """
        unchecked = {}
        for number, cached in vectors.items():
            sizes = frozenset(parts(p.kind)[2] for p in cached.pending)
            if sizes and has(dirty, q(number)):
                unchecked[number] = sizes
        if self.unchecked is None or not all(p.propagates_nan for p in self.pending):
            self.flush()
        for p in self.pending:
            for shapes in p.shapes:
                shapes.pending = None
        self.pending = []
        return unchecked

    def flush_within_instruction(self) -> None:
        """Make sure of the pending results: from here on they are what the manual says."""
        self.stores.require_none()
        self.flush()

    def flush(self) -> None:
        """Guard the pending results, and make the stores that wait for that: between two instructions."""
        b = self.builder
        if self.pending and self.unchecked is not None:
            self.is_rejected = True
        pending, self.pending = self.pending, []
        if not pending:
            return
        condition = self.any_nan([(p.kind, p.raw) for p in pending if p.alone]) if not self.is_rejected else "false"
        for alias in self.stores.aliases():
            condition = b.line(f"or i1 {condition}, {alias}")
        nan, tested = b.block("nan"), b.block("tested")
        if self.speculates:
            b.branch(condition, nan, tested)
            b.start(tested)
            self._leave(nan)
            for p in pending:
                for shapes in p.shapes:
                    shapes.pending = None
            self.make_stores()
            return
        if not b.label:
            before = b.block("before")
            b.jump(before)
            b.start(before)
        before = b.label
        b.branch(condition, nan, tested)
        b.start(nan)
        exact: dict[int, str] = {}
        for p in pending:
            arguments = [a if isinstance(a, str) else exact[id(a)] for a in p.arguments]
            exact[id(p)] = b.line(p.template.format(*arguments))
        b.jump(tested)
        b.start(tested)
        for p in pending:
            text = b.line(f"phi {p.kind} [{p.raw}, %{before}], [{exact[id(p)]}, %{nan}]")
            for shapes in p.shapes:
                shapes.texts = {p.kind: text}
                shapes.pending = None

    def any_nan(self, numbers: list[tuple[str, str]]) -> str:
        """Whether one of some numbers, each a type and a name, is a NaN."""
        b = self.builder
        by_kind: dict[str, list[str]] = {}
        for kind, raw in numbers:
            by_kind.setdefault(kind, []).append(raw)
        self._pair_odd(by_kind)
        conditions = []
        masks: dict[int, list[str]] = {}
        for kind, names in by_kind.items():
            lanes, _, esize = parts(kind)
            # A comparison tests two.
            pairs = list(zip(names[::2], [*names[1::2], *names[-1:]][: len(names[::2])], strict=True))
            if kind in _VECTOR_COMPARISONS and b.host.has("avx512vl"):
                for x, y in pairs:
                    mask = b.line(f"call {kind} @llvm.x86.{_VECTOR_COMPARISONS[kind]}({kind} {x}, {kind} {y}, i8 3)")
                    words = lanes * esize // 32
                    masks.setdefault(words, []).append(b.line(f"bitcast {kind} {mask} to <{words} x i32>"))
                continue
            bits = f"<{lanes} x i1>" if lanes else "i1"
            tests = [b.line(f"fcmp uno {kind} {x}, {y}") for x, y in pairs]
            test = tests[0]
            for other in tests[1:]:
                test = b.line(f"or {bits} {test}, {other}")
            if lanes:
                word = b.line(f"bitcast {bits} {test} to i{lanes}")
                test = b.line(f"icmp ne i{lanes} {word}, 0")
            conditions.append(test)
        for words, found in masks.items():
            mask = found[0]
            for other in found[1:]:
                mask = b.line(f"or <{words} x i32> {mask}, {other}")
            floats = f"<{words} x float>"
            signs = b.line(f"bitcast <{words} x i32> {mask} to {floats}")
            are_clear = b.line(f"call i32 @llvm.x86.{_SIGN_TESTS[words]}({floats} {signs}, {floats} {signs})")
            conditions.append(b.line(f"icmp eq i32 {are_clear}, 0"))
        condition = conditions[0]
        for other in conditions[1:]:
            condition = b.line(f"or i1 {condition}, {other}")
        return condition

    def _pair_odd(self, by_kind: dict[str, list[str]]) -> None:
        """Test an odd scalar with an odd vector of as wide elements: there is a place free in its last comparison."""
        b = self.builder
        for kind in list(by_kind):
            lanes, element, _ = parts(kind)
            scalars = by_kind.get(element, [])
            if not lanes or len(by_kind[kind]) % 2 == 0 or len(scalars) % 2 == 0:
                continue
            one = b.line(f"insertelement {kind} poison, {element} {scalars.pop()}, i64 0")
            mask = f"<{lanes} x i32> zeroinitializer"
            by_kind[kind].append(b.line(f"shufflevector {kind} {one}, {kind} poison, {mask}"))
            if not scalars:
                del by_kind[element]


def _is_pending(value: Value) -> bool:
    return value.__class__ is ShapedValue and value.shapes().pending is not None
