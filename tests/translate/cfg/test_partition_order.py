"""What is translated together depends on the code alone, and is at most a constant times as much as the code."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec.asm import assemble
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.isa import decode
from armexec.isa.groups import all_instructions
from armexec.objects import Image, Parameter, Prototype
from armexec.objects.layout import Section, SectionSymbol
from armexec.translate.cfg.components import strongly_connected_components
from armexec.translate.cfg.discovery import BlockEndMachine, ControlFlowGraph, ends_block
from armexec.translate.cfg.extents import Extents, direct_branch
from armexec.translate.cfg.partition import Partition
from armexec.translate.policy import DEFAULT, Policy

from ..guest import LONG, load
from .test_partition import _program

# -- graphs ------------------------------------------------------------------------------------------------------------


def _partition(text: str, functions: Sequence[str], policy: Policy = DEFAULT) -> tuple[Partition, dict[str, int], int]:
    """The partition of some assembly, the offsets of its labels, and the number of instructions."""
    code = assemble(text)
    words = code.words
    labels = {name: value - code.address for name, value in code.symbols.items()}

    def fetch(address: int) -> int | None:
        return words[address // 4] if 0 <= address < 4 * len(words) else None

    extents = Extents([(0, code.bytes)], [labels[name] for name in functions], policy)
    return Partition(fetch, lambda _starts, _graph: {}, extents, policy), labels, len(words)


def _reached(partition: Partition, entries: Iterable[int], size: int) -> list[ControlFlowGraph]:
    """The graphs that are entered at some addresses of code of a size, and all that they go on in."""
    found: dict[int, ControlFlowGraph] = {}
    todo = list(entries)
    while todo:
        address = todo.pop()
        if address in found or address >= 4 * size:
            continue
        found[address] = partition.graph(address)
        assert address in (found[address].entries or (found[address].entry,))
        todo += found[address].outside
    return list({id(graph): graph for graph in found.values()}.values())


def _many(count: int) -> dict[str, tuple[str, list[str]]]:
    """Programs that are hard to cut, by what is hard about them, each with its functions."""
    numbers = range(count)
    functions = [f"f{i}" for i in numbers]
    body = "add x0, x0, #3\n" * 50
    tails = "\n".join(f"f{i}: add x0, x0, #{i}\n b tail" for i in numbers)
    return {
        "a tail for all": (f"shared: {body} tail: {body} ret\n{tails}", ["shared", *functions]),
        "a small tail for all": (f"tail: {'add x0, x0, #3' + chr(10)} ret\n{tails}", ["tail", *functions]),
        "a chain of tail calls": (
            "\n".join(f"f{i}: {'add x0, x0, #1' + chr(10)} b f{i + 1}" for i in numbers) + f"\nf{count}: {body} ret",
            [*functions, f"f{count}"],
        ),
        "mutual tail calls": (
            "\n".join(f"f{i}: add x0, x0, #1\n cbz x0, f{(7 * i + 1) % count}\n b f{(i + 1) % count}" for i in numbers),
            functions,
        ),
        "falling through": ("\n".join(f"f{i}: add x0, x0, #1\n add x0, x0, #2" for i in numbers) + "\nret", functions),
        "cold parts": (
            "\n".join(f"f{i}: cbz x0, c{i}\n m{i}: sub x0, x0, #1\n cbnz x0, m{i}\n ret" for i in numbers)
            + "\n"
            + "\n".join(f"c{i}: add x0, x0, #{i}\n b m{i}" for i in numbers),
            [*functions, *(f"c{i}" for i in numbers)],
        ),
        "no symbols": (
            "\n".join(f"f{i}: cbz x0, m{i}\n b f{(i + 1) % count}\n m{i}: add x0, x0, #1\n ret" for i in numbers),
            [],
        ),
    }


@pytest.mark.parametrize("kind", [kind for kind, (_, functions) in _many(1).items() if functions])
def test_what_is_translated_of_many_functions_is_at_most_a_few_times_their_code(kind: str) -> None:
    text, functions = _many(1000)[kind]
    partition, labels, size = _partition(text, functions)
    graphs = _reached(partition, [labels[name] for name in functions], size)
    assert sum(graph.size for graph in graphs) <= 6 * size


@pytest.mark.parametrize("limit", [100, 2000])
@pytest.mark.parametrize("kind", ["straight", "loops", "branches", *_many(1)])
def test_code_that_is_entered_everywhere_is_translated_a_limited_number_of_times(kind: str, limit: int) -> None:
    texts = {
        "straight": "f: " + "add x0, x0, #1\n" * 1000 + "ret",
        "loops": "f: "
        + "".join(f"l{i}: add x0, x0, #1\n sub x1, x1, #1\n cbnz x1, l{i}\n" for i in range(300))
        + "ret",
        "branches": "f: " + "cbz x0, end\n add x0, x0, #1\n" * 500 + "end: ret",
    }
    text, functions = (texts[kind], ["f"]) if kind in texts else _many(100)[kind]
    policy = Policy(max_function=limit)
    partition, _, size = _partition(text, functions, policy)
    graphs = _reached(partition, range(0, 4 * size, 4), size)
    # Half a window for each address, and what is translated once, a few times.
    assert sum(graph.size for graph in graphs) <= size * (policy.window / 2 + 8)


def _shown(graph: ControlFlowGraph) -> tuple[Any, ...]:
    blocks = [(b.start, b.end, b.kind, b.successors) for b in graph.blocks.values()]
    return graph.entry, graph.entries, sorted(graph.calls), sorted(graph.outside), blocks


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 50),
    limit=st.sampled_from([1, 5, 20, 100, 2000]),
    window=st.sampled_from([4, 16, 64]),
    shuffle=st.randoms(use_true_random=False),
)
def test_a_graph_does_not_depend_on_what_was_looked_for_before(
    seed: int, limit: int, window: int, shuffle: random.Random
) -> None:
    text = _program(random.Random(seed), 16)
    policy = Policy(max_function=limit, window=window)
    functions = ["run", "twist", "count", f"at{seed % 16}", f"at{seed % 5}"]
    _, _, size = _partition(text, functions, policy)
    found = []
    for _ in range(2):
        partition, _, _ = _partition(text, functions, policy)
        addresses = list(range(0, 4 * size, 4))
        shuffle.shuffle(addresses)
        found.append({address: _shown(partition.graph(address)) for address in addresses})
    assert found[0] == found[1]


def test_what_ends_with_a_call_that_does_not_return_has_no_part_of_the_next_function() -> None:
    text = """
        f: cbz x0, 1f
           ret
        1: bl fail
           nop
        g: cbz x0, 1f
           ret
        1: bl fail_too
        h: add x0, x0, #1
           ret
        fail: str x30, [sp, #-16]!
           bl fail_too
           nop
        fail_too: brk #1"""
    partition, labels, _ = _partition(text, ["f", "g", "h", "fail", "fail_too"])
    for name, size in {"f": 3, "g": 3, "h": 2, "fail": 2, "fail_too": 1}.items():
        graph = partition.graph(labels[name])
        assert (graph.size, graph.outside) == (size, frozenset()), name


def test_what_ends_with_calls_of_each_other_never_returns() -> None:
    partition, labels, _ = _partition("f: nop\n bl g\nh: ret\ng: nop\n nop\n bl f\ni: ret", ["f", "g", "h", "i"])
    assert [partition.graph(labels[name]).size for name in "fghi"] == [2, 3, 1, 1]
    assert not any(partition.graph(labels[name]).outside for name in "fghi")


# -- extents -----------------------------------------------------------------------------------------------------------


def test_direct_branches_are_those_that_are_described() -> None:
    """`extents` knows the encodings by heart."""
    random_ = random.Random(1)
    machine = BlockEndMachine()
    seen = set()
    for instruction in all_instructions():
        for form in instruction.forms:
            example = decode(form.value)
            if form.label is None or example is None or not ends_block(example, 0, machine):
                continue
            for _ in range(20):
                word = form.value | random_.getrandbits(32) & ~form.mask & 0xFFFF_FFFF
                decoded = decode(word)
                assert decoded is not None
                assert ends_block(decoded, 0, machine)
                assert machine.target is not None
                distance = direct_branch(word)
                assert machine.target & (1 << 64) - 1 == distance & (1 << 64) - 1
                # It is found, too.
                data = (0xD503201F).to_bytes(4, "little") * 3 + word.to_bytes(4, "little")
                extents = Extents([(1 << 40, data)], [(1 << 40) + 8], DEFAULT)
                inside = -12 <= distance <= 0
                if machine.kind == "call":
                    assert not inside or (1 << 40) + 12 + distance in extents.starts
                seen.add(machine.kind)
    assert seen == {"goto", "branch", "call"}


def test_extents_that_jump() -> None:
    text = "\n".join(f"f{i}: cbz x0, big\n ret" for i in range(5)) + "\nbig: " + "nop\n" * 40 + "ret\nlast: ret"
    code = assemble(text)
    names = [name for name in code.symbols if name != "f4"]
    at = {name: value - code.address for name, value in code.symbols.items()}
    few = Extents([(0, code.bytes)], [at[name] for name in names], DEFAULT)
    many = Extents([(0, code.bytes)], list(at.values()), DEFAULT)
    # Those that jump to it, and itself.
    assert few.shared == many.shared == {at["big"]}
    assert Extents([(0, code.bytes)], [at["big"], at["last"]], DEFAULT).shared == frozenset()
    assert many.jumped_into(at["big"]) == [at["big"]]
    assert many.start(at["last"]) == at["last"]
    assert many.start(at["last"] + 4) is None


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), max_size=13))
def test_components(edges: dict[int, set[int]]) -> None:
    nodes = sorted(set(edges).union(*edges.values()) if edges else ())
    graph = {node: edges.get(node, set()) for node in nodes}
    reach = {node: {node} for node in nodes}
    for _ in nodes:
        for node in nodes:
            reach[node] |= {far for to in graph[node] for far in reach[to]}
    components = strongly_connected_components(graph)
    assert sorted(node for component in components for node in component) == nodes
    before: set[int] = set()
    for component in components:
        for node in component:
            assert {to for to in reach[node] if node in reach[to]} == set(component)
            assert reach[node] <= before | set(component)
        before |= set(component)


# -- running -----------------------------------------------------------------------------------------------------------


def _bind(loaded: LoadedTranslatedImage, offset: int, count: int = 1) -> Callable[..., Any]:
    return loaded.bind(offset, Prototype("f", LONG, tuple(Parameter("", LONG) for _ in range(count))))


def test_a_run_entered_at_every_instruction() -> None:
    count = 150
    loaded, labels = load("run: " + "add x0, x0, #1\n" * count + "ret", tier="O0", policy=Policy(window=8))
    for at in range(count + 1):
        assert _bind(loaded, labels["run"] + 4 * at)(5) == 5 + count - at
    # Each address has its window, and those at which windows begin go on in each other.
    assert loaded.translator.registry.translated <= 2 * (count + 1) * 5


@pytest.mark.parametrize("kind", ["a tail for all", "a chain of tail calls", "falling through"])
def test_functions_that_share_code(kind: str) -> None:
    count = 20
    text, functions = _many(count)[kind]
    wanted = {
        "a tail for all": [5 + i + 150 for i in range(count)],
        "a chain of tail calls": [5 + count - i + 150 for i in range(count)],
        "falling through": [5 + 3 * (count - i) for i in range(count)],
    }
    loaded, labels = load(text, tier="O0")
    found = [_bind(loaded, labels[name])(5) for name in functions if name[0] == "f"]
    assert found[:count] == wanted[kind]
    assert loaded.translator.registry.translated <= 6 * loaded.image.size // 4


def test_cold_parts_that_go_on_in_the_middle() -> None:
    text, functions = _many(6)["cold parts"]
    loaded, labels = load(text, tier="O0")
    assert [_bind(loaded, labels[name])(5) for name in functions] == [0] * len(functions)


def test_code_behind_a_call_that_does_return_belongs_to_another_function() -> None:
    """No compiler makes that, but it is what the code says."""
    text = """
        f: str x30, [sp, #-16]!
           mov x9, #7
           bl twice
        rest: add x0, x0, x9
           ldr x30, [sp], #16
           ret
        twice: lsl x0, x0, #1
           ret
        g: stp x29, x30, [sp, #-16]!
           mov x9, #0
           bl f
           add x0, x0, x9
           ldp x29, x30, [sp], #16
           ret"""
    for tier in ("O0", "O2"):
        loaded, labels = load(text, tier=tier)
        assert [_bind(loaded, labels[name])(5) for name in ("f", "g")] == [17, 24]


@pytest.mark.parametrize("policy", [Policy(), Policy(max_function=2), Policy(max_unit=3)])
def test_the_callee_of_what_does_not_return_may_return_for_it(policy: Policy) -> None:
    text = """
        f: str x30, [sp, #-16]!
           adr x9, one
           blr x9
           bl endless
        rest: add x0, x0, #1
           ldr x30, [sp], #16
           ret
        one: ret
        endless: str x30, [sp, #-16]!
           bl leave
        1: b 1b
        leave: ldr x30, [sp], #16
           add x0, x0, #4
           ret"""
    loaded, labels = load(text, tier="O1", policy=policy)
    assert _bind(loaded, labels["f"])(5) == 10


def test_functions_without_symbols_are_found_by_where_others_end() -> None:
    text = "f: add x0, x0, #1\n ret\ng: cbz x0, 1f\n sub x0, x0, #1\n b g\n1: mov x0, #9\n ret\nh: mov x0, #3\n ret"
    code = assemble(text)
    at = {name: value - code.address for name, value in code.symbols.items()}
    symbols = [SectionSymbol("f", 0, 0, 0, "function", "global")]
    image = Image.from_code("guest", [Section(".text", code.bytes, "rx", 4, 0)], symbols)
    loaded = TranslatedEngine("O1").load(image, lambda _: None)
    assert [_bind(loaded, at[name])(4) for name in "hgf"] == [3, 9, 5]
    assert loaded.translator.registry.translated == 9


def _kept(folder: Path, monkeypatch: pytest.MonkeyPatch, orders: Iterable[Sequence[str]]) -> dict[str, bytes]:
    """The files of the cache after functions were called in an order, each order in a new image."""
    monkeypatch.setenv("ARMEXEC_CACHE_DIR", str(folder))
    body, other = "add x0, x0, #3\n" * 40, "add x1, x1, x0\n" * 40
    text = "\n".join(
        [
            f"shared: {body} tail: {body} cbz x0, f1\n ret",
            *(f"f{i}: add x0, x0, #{i}\n b tail" for i in range(6)),
            f"loop: {body} l: {other} subs x0, x0, #1\n b.gt l\n ret",
        ]
    )
    for order in orders:
        loaded, labels = load(text, tier="O1", policy=Policy(window=16))
        for name in order:
            label, _, distance = name.partition("+")
            _bind(loaded, labels[label] + 4 * int(distance or 0))(5)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_units_of_functions_do_not_depend_on_the_order_of_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions that jump to the same code, and enter others in the middle, with a cold and with a warm cache."""
    names = ["f0", "f5", "shared", "loop", "shared+41", "loop+3", "f3", "loop+50"]
    backwards = names[::-1]
    mixed = [*names[1::2], *names[::2]]
    first = _kept(tmp_path / "first", monkeypatch, [names])
    assert len(first) > len(names)
    assert _kept(tmp_path / "second", monkeypatch, [backwards]) == first
    assert _kept(tmp_path / "third", monkeypatch, [mixed[:3], mixed, backwards]) == first
