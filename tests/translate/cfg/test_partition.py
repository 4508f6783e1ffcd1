"""Large functions in pieces, shared code, and many units of one image: the same results, and work that stays linear."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import pytest

import armexec
from armexec.engines.translated import LoadedTranslatedImage, TranslatedEngine
from armexec.objects import Parameter, Prototype
from armexec.translate.cfg.discovery import ControlFlowGraph
from armexec.translate.cfg.extents import Extents
from armexec.translate.cfg.partition import Partition
from armexec.translate.policy import DEFAULT, Policy
from corpus import INTEGER_CORPUS
from corpus.checks import check

from ..guest import LONG, load

LIMITS = pytest.mark.parametrize("limit", [1, 5, 20, 100])


@pytest.fixture(autouse=True, scope="module")
def _alone() -> None:
    """No strict image is left over, because of which code would be strict."""
    gc.collect()


def _bind(loaded: LoadedTranslatedImage, offset: int, count: int) -> Callable[..., Any]:
    return loaded.bind(offset, Prototype("f", LONG, tuple(Parameter("", LONG) for _ in range(count))))


def _translated(loaded: LoadedTranslatedImage) -> int:
    return loaded.translator.registry.translated


# -- pieces ------------------------------------------------------------------------------------------------------------


def _program(random_: random.Random, blocks: int) -> str:
    """A function `run(seed, fuel)` of blocks that jump to each other at random, until the fuel is used up.

    It calls, through the stack and not, itself and two small functions, one of them by its address.
    """
    out = ["run: mov x2, #1", "mov x3, #0", "mov x4, #7"]
    for number in range(blocks):
        out.append(f"at{number}: subs x1, x1, #1")
        out.append("b.le done")
        for _ in range(random_.randrange(6)):
            d, n, m = (random_.choice((0, 2, 3, 4)) for _ in range(3))
            operation = random_.choice(("add", "sub", "eor", "mul", "adds", "subs", "ands"))
            out.append(f"{operation} x{d}, x{n}, x{m}")
        to, other = random_.randrange(blocks), random_.randrange(blocks)
        calls = {1: "bl twist", 2: "adr x16, twist\n blr x16", 3: "bl count", 4: "lsr x1, x1, #1\n bl run"}
        kind = random_.randrange(12)
        if kind in calls:
            out += [
                "stp x29, x30, [sp, #-16]!",
                "stp x1, x2, [sp, #-16]!",
                calls[kind],
                "ldp x1, x2, [sp], #16",
                "ldp x29, x30, [sp], #16",
            ]
        out.append(
            random_.choice(
                (
                    f"cbz x0, at{to}",
                    f"tbnz x2, #{random_.randrange(64)}, at{to}",
                    f"b.{random_.choice(('eq', 'lt', 'hi', 'vs', 'mi'))} at{to}",
                    f"adr x9, at{to}\n adr x10, at{other}\n tst x3, #{1 << random_.randrange(8)}\n"
                    " csel x9, x9, x10, eq\n br x9",
                    "",
                )
            )
        )
    out += ["b at0", "done: eor x0, x0, x2", "eor x0, x0, x3, ror #7", "add x0, x0, x4", "ret"]
    out += ["twist: eor x0, x0, x0, lsr #3", "adds x3, x3, x0", "ret"]
    out += ["count: stp x29, x30, [sp, #-16]!", "add x4, x4, #1", "bl twist", "ldp x29, x30, [sp], #16", "ret"]
    return "\n ".join(out)


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_in_pieces_give_what_the_reference_engine_gives(seed: int) -> None:
    text = _program(random.Random(seed), 16)
    reference = armexec.function(text, "long run(long, long)", engine="reference")
    arguments = [(seed + n, fuel) for n, fuel in enumerate((1, 7, 40, 150))]
    wanted = [reference(*values) for values in arguments]
    for limit in (1, 20, None):
        loaded, labels = load(text, limit=limit, tier="O0")
        run = _bind(loaded, labels["run"], 2)
        assert [run(*values) for values in arguments] == wanted, f"in pieces of {limit}"


@pytest.mark.parametrize(
    ("stem", "limit"), [("mutual", 5), ("switches", 20), ("function_pointers", 5), ("recursion", 100)]
)
def test_the_corpus_in_pieces(stem: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _corpus_in_pieces(stem, limit, 2, monkeypatch)


@pytest.mark.long
@LIMITS
@pytest.mark.parametrize("stem", INTEGER_CORPUS.files)
def test_all_of_the_corpus_in_pieces(stem: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _corpus_in_pieces(stem, limit, 10, monkeypatch)


def _corpus_in_pieces(stem: str, limit: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def engine(_: str, tier: str) -> TranslatedEngine:
        return TranslatedEngine(tier, Policy(max_function=limit))

    monkeypatch.setattr("armexec.engines._engine", engine)
    file = INTEGER_CORPUS.files[stem]
    check(INTEGER_CORPUS, stem, next(iter(file.variants.values())), "-O2", "translated", count)


@pytest.mark.parametrize("first", ["1", "2"])
def test_both_ways_out_of_a_block_leave_the_piece(first: str) -> None:
    loaded, labels = load(
        f"""
        run: mov x2, #{first}
             lsl w3, w0, #1
             adds x4, x0, x1
             b.eq same
             sub x0, x4, x3
             add x0, x0, x2
             ret
        same: add x0, x3, x2
             ret""",
        limit=4,
    )
    run = _bind(loaded, labels["run"], 2)
    assert [run(5, -5), run(5, 6)] == [10 + int(first), 1 + int(first)]


def test_a_jump_out_of_a_called_function_returns_to_its_caller() -> None:
    """The return address in X30 is another one by then."""
    loaded, labels = load(
        """
        run: stp x29, x30, [sp, #-16]!
             bl inner
             add x0, x0, #100
             ldp x29, x30, [sp], #16
             ret
        inner: stp x29, x30, [sp, #-16]!
             adr x9, leaf
             blr x9
             ldr x29, [sp]
             adr x10, rest
             br x10
        leaf: add x0, x0, #1
             ret
        rest: ldp x29, x30, [sp], #16
             add x0, x0, #10
             ret""",
        limit=3,
    )
    assert _bind(loaded, labels["run"], 1)(5) == 116


def test_tail_calls_between_pieces_take_no_stack() -> None:
    loaded, labels = load(
        """
        run: mov x1, #0
        again: cbz x0, done
             sub x0, x0, #1
             add x1, x1, #1
             b again
        done: mov x0, x1
             ret""",
        limit=1,
    )
    assert _bind(loaded, labels["run"], 1)(1_000_000) == 1_000_000


# -- how much is translated -------------------------------------------------------------------------------------------


def _straight(count: int) -> str:
    return "run: cbz x0, end\n" + "add x0, x0, #1\n cbz x0, end\n" * count + "end: ret"


def test_a_large_function_is_translated_once() -> None:
    loaded, labels = load(_straight(1000), tier="O1", limit=100)
    assert _bind(loaded, labels["run"], 1)(5) == 1005
    assert _translated(loaded) == 2002
    assert _bind(loaded, labels["run"], 1)(-5) == 0
    assert _translated(loaded) == 2002


def test_a_large_function_entered_everywhere_is_translated_a_few_times() -> None:
    loaded, labels = load(_straight(200), tier="O0", limit=1000)
    for index in range(0, 400, 8):
        assert _bind(loaded, labels["run"] + 4 * index, 1)(5) == 205 - index // 2
    # A window for each entry, and for each place where the next begins.
    assert _translated(loaded) < 402 + (50 + 7) * DEFAULT.window


def test_a_function_is_translated_for_its_first_caller_and_once_for_all_others() -> None:
    body = "add x0, x0, #1\n" * 40
    text = f"shared: {body} ret\n" + "\n".join(
        f"f{n}: stp x29, x30, [sp, #-16]!\n bl shared\n add x0, x0, #{n}\n ldp x29, x30, [sp], #16\n ret"
        for n in range(20)
    )
    loaded, labels = load(text, tier="O1")
    for n in range(20):
        assert _bind(loaded, labels[f"f{n}"], 1)(2) == 42 + n
    assert _translated(loaded) == 20 * 5 + 2 * 41


def test_a_caller_may_need_more_of_an_exported_function_than_the_others() -> None:
    """Flags and X9 of the same function, which nobody needed before."""
    body = "add x0, x0, #1\n" * 40
    text = f"""
        shared: {body} mov x9, #9
             cmp x0, #50
             ret
        one: stp x29, x30, [sp, #-16]!
             bl shared
             ldp x29, x30, [sp], #16
             ret
        two: stp x29, x30, [sp, #-16]!
             bl shared
             ldp x29, x30, [sp], #16
             ret
        three: stp x29, x30, [sp, #-16]!
             bl shared
             cset x1, eq
             add x0, x9, x1
             ldp x29, x30, [sp], #16
             ret
        """
    loaded, labels = load(text, tier="O1")
    for name in ("one", "two", "one"):
        assert _bind(loaded, labels[name], 1)(2) == 42
    assert [_bind(loaded, labels["three"], 1)(n) for n in (9, 10)] == [9, 10]


def test_a_tail_called_function_is_copied_a_few_times_only() -> None:
    body = "add x0, x0, #1\n" * 100
    text = f"shared: {body} ret\n" + "\n".join(f"f{n}: add x0, x0, #{n}\n b shared" for n in range(20))
    loaded, labels = load(text, tier="O1")
    for n in range(20):
        assert _bind(loaded, labels[f"f{n}"], 1)(2) == 102 + n
    assert _translated(loaded) < 7 * 101 + 20 * 2


# -- cutting -----------------------------------------------------------------------------------------------------------


def _regions(text: str, limit: int) -> tuple[Partition, int]:
    from armexec.asm import assemble

    words = assemble(text).words
    policy = Policy(max_function=limit)
    extents = Extents([(0, b"".join(word.to_bytes(4, "little") for word in words))], [0], policy)

    def fetch(address: int) -> int | None:
        return words[address // 4] if 0 <= address < 4 * len(words) else None

    return Partition(fetch, lambda _, __: {}, extents, policy), len(words)


@pytest.mark.parametrize("seed", range(5))
@LIMITS
def test_pieces_dont_overlap_and_hold_everything(seed: int, limit: int) -> None:
    regions, count = _regions(_program(random.Random(seed), 30).split("twist:")[0].replace("bl ", "b "), limit)
    found: dict[int, ControlFlowGraph] = {}
    todo = [0]
    while todo:
        address = todo.pop()
        if address in found:
            continue
        piece = found[address] = regions.graph(address)
        assert piece.size <= limit
        assert address in (piece.entries or (piece.entry,))
        todo += piece.outside
    starts = [4 * n + at for piece in {p.entry: p for p in found.values()}.values() for at, b in piece.blocks.items()
              for n in range(len(b.instructions))]  # fmt: skip
    assert len(starts) == len(set(starts)) <= count


def test_cuts_are_between_loops() -> None:
    loop = "{0}: add x0, x0, #1\n cbz x1, {0}x\n cbnz x0, {0}\n{0}x: sub x1, x1, #1\n cbnz x1, {0}\n"
    regions, _ = _regions("".join(loop.format(f"l{n}") for n in range(20)) + "ret", 18)
    entry = 0
    for _ in range(5):
        piece = regions.graph(entry)
        assert piece.size == 15
        (entry,) = piece.outside
        assert entry == piece.entry + 60
