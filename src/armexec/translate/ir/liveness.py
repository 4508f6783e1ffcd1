"""Which guest registers travel into and out of each translated function: liveness across functions.

There are two conventions. A function of the *register convention* knows all its callees, down to the leaves. The
registers that it reads come in as arguments; those that it changes and a caller reads go out as results; nothing else
exists, so flags and temporaries vanish. A function of the *state convention* calls or jumps to addresses known only
when it runs, or returns in an unusual way. It and everything that calls it have all registers in the state structure
at those points, because anybody may look.

A V register counts as three (`cpu/registers.py`): a write is of all three, and each travels where it is read. So scalar
floating point travels as scalars.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from armexec.cpu.registers import ALL, COUNTER, PARTIAL, STATE, X30, RegisterSet, bit, has, q, x
from armexec.translate.analysis.callee_saved import AAPCS64_PRESERVED, CalleeSaved, find_callee_saved
from armexec.translate.ir.lift import LiftedBlock, LiftedFunction

__all__ = ["Signature", "analyze", "unwound"]

_STATE = bit(STATE)
_LINK = bit(X30)
_RESULTS = bit(x(0), x(1), q(0), COUNTER)
_OPEN = ("call_to", "switch", "synchronize")
"""The ends of blocks where code goes on that isn't known."""
_ABI = _RESULTS | AAPCS64_PRESERVED | bit(*(q(n) for n in range(8, 16)))


@dataclass
class Signature:
    """How a function is called.

    `inputs` and `outputs` are its arguments and results; `modified` what it may change. `checked`: it may return to an
    unexpected place, and says so. For a function of the state convention inputs and outputs mean nothing: all is in the
    state. `live_in` and `dirty_out` are by block: needed at its start, and (functions of the state convention and
    checked ones only) changed since the state was last up to date, at its end before its call. `is_external`: it is
    translated already, in another unit, so only `demanded` may still change. `is_regular`: its returns go to where it
    was called unless something overwrites its frame. `leaves`: it, or a function that it calls, isn't regular.
    """

    function: LiftedFunction
    uses_state: bool = False
    inputs: RegisterSet = 0
    outputs: RegisterSet = 0
    modified: RegisterSet = 0
    checked: bool = False
    demanded: RegisterSet = 0
    live_in: dict[int, int] = field(default_factory=dict)
    live_out: dict[int, int] = field(default_factory=dict)
    dirty_in: dict[int, int] = field(default_factory=dict)
    dirty_out: dict[int, int] = field(default_factory=dict)
    is_external: bool = False
    preserved: RegisterSet = 0
    is_regular: bool = False
    leaves: bool = False
    is_aligned: bool = False
    call_targets: dict[int, list[Signature]] = field(default_factory=dict)

    @property
    def kept_elsewhere(self) -> RegisterSet:
        """The registers that are kept where it, or a function that it calls, returns to an unexpected place."""
        return ALL if self.leaves else _ABI

    def kept_at_return(self, start: int) -> RegisterSet:
        """The registers that the return at the end of a block puts into the state.

        With the register convention it does so where it goes to an unexpected place, if it may.
        """
        if self.uses_state:
            return self.dirty_out[start]
        if self.returns_as_called:
            return 0
        return self.dirty_out[start] & (_ABI if self.is_regular else ALL)

    @property
    def returns_as_called(self) -> bool:
        """Whether its returns are known to go to where it was called."""
        return self.function.keeps_link or has(self.preserved, X30)


def analyze(
    functions: dict[int, LiftedFunction],
    demanded: dict[int, int],
    external: dict[int, Signature],
    call_targets: Mapping[int, Mapping[int, Collection[int]]] = MappingProxyType({}),
    entered: Collection[int] = (),
    *,
    callee_saved: bool = True,
) -> dict[int, Signature]:
    """The signatures of a unit's functions, and of the `external` ones that they call, by entry.

    `demanded`: the registers that callers outside of the unit read of each. `call_targets`: where calls to registers
    may go, by function and by block. `entered`: the functions that are called from elsewhere with any stack pointer.
    `callee_saved`: find the registers that functions restore.
    """
    signatures = {entry: Signature(function) for entry, function in functions.items()} | external
    callers = _callers(signatures)
    _find_state_convention(signatures, callers)
    closed = {entry: signature for entry, signature in signatures.items() if not signature.uses_state}
    for entry, targets in call_targets.items():
        signatures[entry].call_targets = {
            at: [closed[a] for a in found if a in closed] for at, found in targets.items()
        }
    _find_modified(signatures, callers)
    if callee_saved:
        _find_preserved(signatures, callers, entered)
    _find_checked(signatures)
    for entry, registers in demanded.items():
        signatures[entry].demanded |= registers
    for signature in signatures.values():
        if signature.uses_state or signature.checked:
            _find_dirty(signature, signatures)
    todo = set(functions)
    for entry, signature in signatures.items():
        for targets_there in signature.call_targets.values():
            for likely in targets_there:
                callers[likely.function.graph.entry].add(entry)
    while todo:
        entry = todo.pop()
        signature = signatures[entry]
        inputs = signature.inputs
        todo |= _find_live(signature, signatures) - external.keys()
        if signature.inputs != inputs:
            todo |= callers[entry]
    for entry in functions:
        signature = signatures[entry]
        signature.outputs = signature.demanded & signature.modified
    return signatures


def _callers(signatures: dict[int, Signature]) -> dict[int, set[int]]:
    """By function, those that call it directly."""
    callers: dict[int, set[int]] = {entry: set() for entry in signatures}
    for entry, signature in signatures.items():
        for callee in signature.function.graph.calls:
            if callee in callers:
                callers[callee].add(entry)
    return callers


def _find_state_convention(signatures: dict[int, Signature], callers: Mapping[int, Collection[int]]) -> None:
    for signature in signatures.values():
        function = signature.function
        signature.uses_state = (
            function.irregular
            or function.graph.is_fragment
            or bool(function.graph.outside)
            or any(
                block.kind in _OPEN or (block.kind == "jump" and not block.source.targets)
                for block in function.blocks.values()
            )
        )
        signature.uses_state = signature.uses_state or any(callee not in signatures for callee in function.graph.calls)
    todo = [entry for entry, signature in signatures.items() if signature.uses_state]
    while todo:
        for caller in callers[todo.pop()]:
            if not signatures[caller].uses_state:
                signatures[caller].uses_state = True
                todo.append(caller)


def _find_modified(signatures: dict[int, Signature], callers: Mapping[int, Collection[int]]) -> None:
    for signature in signatures.values():
        for block in signature.function.blocks.values():
            signature.modified |= block.dirty & ~signature.preserved
    todo = dict.fromkeys(signatures)
    while todo:
        callee = todo.popitem()[0]
        for caller in callers[callee]:
            signature = signatures[caller]
            modified = signature.modified | signatures[callee].modified & ~signature.preserved
            if modified != signature.modified:
                signature.modified = modified
                todo[caller] = None


def _find_preserved(
    signatures: dict[int, Signature], callers: Mapping[int, Collection[int]], entered: Collection[int]
) -> None:
    """What functions restore from where they saved it needn't be returned."""
    closed = {entry: s for entry, s in signatures.items() if not s.uses_state and not s.is_external}
    if all(s.function.keeps_link for s in closed.values()):
        return
    graphs = {entry: s.function.graph for entry, s in closed.items()}
    callee_saved = find_callee_saved(graphs, {entry: s.modified for entry, s in closed.items()})
    trusting = find_callee_saved(graphs, {entry: s.modified for entry, s in closed.items()}, trusts_stores=True)
    for entry, preserved in trusting.preserved.items():
        signatures[entry].is_regular = has(preserved, X30)
    for entry, preserved in callee_saved.preserved.items():
        signatures[entry].preserved = preserved
        signatures[entry].modified = 0
    _find_modified(signatures, callers)
    _find_aligned(signatures, callee_saved, entered)


def _find_aligned(signatures: dict[int, Signature], callee_saved: CalleeSaved, entered: Collection[int]) -> None:
    """Of functions that only others of the unit call, and all of them with an aligned stack pointer, know that."""
    aligned = set(callee_saved.preserved) - set(entered)
    for signature in signatures.values():
        if signature.function.graph.entry not in callee_saved.preserved:
            aligned -= signature.function.graph.calls
            for call_targets in signature.call_targets.values():
                aligned -= {likely.function.graph.entry for likely in call_targets}
    changed = True
    while changed:
        changed = False
        for entry, calls in callee_saved.calls.items():
            for callee, distance in calls:
                if callee in aligned and (distance % 16 or entry not in aligned):
                    aligned.discard(callee)
                    changed = True
    for entry in aligned:
        signatures[entry].is_aligned = True


def _find_checked(signatures: dict[int, Signature]) -> None:
    for signature in signatures.values():
        if signature.is_external:
            # What it calls isn't known here.
            signature.leaves = signature.checked
            continue
        kinds = {block.kind for block in signature.function.blocks.values()}
        signature.checked = "jump" in kinds or ("return" in kinds and not signature.returns_as_called)
        signature.leaves = signature.checked and ("jump" in kinds or not signature.is_regular)
    changed = True
    while changed:
        changed = False
        for signature in signatures.values():
            callees = [signatures[callee] for callee in signature.function.graph.calls if callee in signatures]
            if not signature.checked and any(callee.checked for callee in callees):
                signature.checked = changed = True
            if not signature.leaves and any(callee.leaves for callee in callees):
                signature.leaves = changed = True


def _find_dirty(signature: Signature, signatures: dict[int, Signature]) -> None:
    """What each block of a function leaves changed, before its call if it ends with one.

    A function of the register convention that returns to an unexpected place keeps some of what it has changed itself
    (`kept_at_return`), and the results of the functions that it has called. It doesn't keep what else those have
    changed (docs/decisions/0010-returns-elsewhere.md).
    """
    blocks = signature.function.blocks
    dirty_in = signature.dirty_in = dict.fromkeys(blocks, 0)
    todo = set(blocks)
    while todo:
        start = todo.pop()
        block = blocks[start]
        dirty = signature.dirty_out[start] = dirty_in[start] | block.dirty & ~PARTIAL
        if block.kind == "call_to":
            call_targets = signature.call_targets.get(start)
            if not call_targets:
                dirty = 0
            for likely in call_targets or ():
                dirty |= likely.modified & ~PARTIAL
        elif block.kind == "call":
            callee = signatures.get(block.terminator_target)
            if callee is None or callee.uses_state:
                dirty = 0
            elif signature.uses_state:
                dirty |= callee.modified & ~PARTIAL
            else:
                dirty = dirty & ~callee.modified | callee.modified & _RESULTS
        if block.kind == "trap":
            continue
        for target in block.source.successors:
            if target in blocks and dirty & ~dirty_in[target]:
                dirty_in[target] |= dirty
                todo.add(target)


def _find_live(signature: Signature, signatures: dict[int, Signature]) -> set[int]:
    """Liveness of one function; the callees that now must return more."""
    function = signature.function
    live_in = signature.live_in
    again: set[int] = set()
    link = 0
    if not function.keeps_link:
        # The return address at entry is compared with the one returned to.
        link = _LINK
    if signature.checked:
        link |= _STATE
    if function.has_exits:
        link |= _STATE | _LINK
    if function.machine.counts:
        link |= _STATE
    starts = sorted(function.blocks, reverse=True)
    changed = True
    while changed:
        changed = False
        for start in starts:
            block = function.blocks[start]
            live = _live_before_end(block, start, signature, signatures, again)
            signature.live_out[start] = live
            live = live & ~block.dirty | block.used
            if live != live_in.get(start):
                live_in[start] = live
                changed = True
    signature.inputs |= live_in.get(function.graph.entry, 0) | link
    return again


def _live_before_end(
    block: LiftedBlock, start: int, signature: Signature, signatures: dict[int, Signature], again: set[int]
) -> int:
    """What is live where the block's own instructions have run, before its call or return."""
    live_in = signature.live_in
    live = 0
    region = block.region
    if block.kind == "trap":
        return 0
    for target in block.source.successors:
        if target in signature.function.blocks:
            wanted = live_in.get(target, 0)
            live |= wanted if region is None or target in region.blocks else region.tested(wanted)
        elif signature.uses_state:
            live |= signature.dirty_out[start]
            callee = signatures.get(block.terminator_target) if block.kind == "call" else None
            live |= callee.modified & ~PARTIAL if callee is not None else 0
    if block.kind in ("switch", "synchronize"):
        # For code of another mode, or other code.
        return live | signature.dirty_out[start]
    if block.kind == "call_to" and signature.call_targets.get(start):
        # As after a call of each of them, or after one of something else, for which all is put into the state.
        before = signature.dirty_out[start]
        for likely in signature.call_targets[start]:
            before |= _live_before_call(likely, live, again)
        return before
    if block.kind in ("call", "call_to"):
        callee = signatures.get(block.terminator_target) if block.kind == "call" else None
        if callee is None or callee.uses_state:
            return signature.dirty_out[start]
        before = _live_before_call(callee, live, again)
        # It may return to an unexpected place, where all is looked at.
        return before | signature.dirty_out[start] & unwound(signature, callee) if callee.checked else before
    if block.kind == "jump" and block.source.targets:
        # For a jump to elsewhere.
        return live | signature.dirty_out[start] | (0 if signature.uses_state else _STATE)
    if block.kind in ("return", "jump"):
        live |= signature.kept_at_return(start)
        if not signature.uses_state:
            live |= signature.demanded & signature.modified
        return live if region is None else region.tested(live)
    return live


def unwound(signature: Signature, callee: Signature) -> RegisterSet:
    """The registers that a function puts into the state when a callee has returned to an unexpected place."""
    kept = ALL if signature.uses_state else callee.kept_elsewhere
    return kept & ~callee.modified


def _live_before_call(callee: Signature, live: int, again: set[int]) -> int:
    """What is live before a call of a function of the register convention, given what is after it; it may have to
    return more.
    """
    demanded = callee.demanded | live & callee.modified
    if demanded != callee.demanded:
        callee.demanded = demanded
        again.add(callee.function.graph.entry)
    return live & ~callee.modified | callee.inputs
