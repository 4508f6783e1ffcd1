"""Calls, returns and jumps in every shape, as translated code."""

from __future__ import annotations

import pytest

import armexec
from armexec.asm import assemble
from armexec.errors import MemoryFault
from armexec.isa import decode
from armexec.translate.ir.lift import _restores_link

from ..guest import INT, functions, load

TIERS = pytest.mark.parametrize("tier", ["O0", "O2"])


@TIERS
def test_the_founding_function(tier: str) -> None:
    (fn,) = functions(
        "fn: sub sp, sp, #16\n str w0, [sp, #12]\n ldr w0, [sp, #12]\n add sp, sp, #16\n ret",
        "fn/1",
        type=INT,
        tier=tier,
    )
    assert [fn(3), fn(-1), fn(2**31 - 1)] == [3, -1, 2**31 - 1]


def test_a_loop_with_flags_that_live_across_blocks() -> None:
    (gcd,) = functions(
        """
        gcd: cmp x0, x1
             b.eq done
             b.lt less
             sub x0, x0, x1
             b gcd
        less: sub x1, x1, x0
             b gcd
        done: ret""",
        "gcd/2",
    )
    assert gcd(84, 36) == 12
    assert gcd(17, 17) == 17


def test_flags_set_in_one_function_and_read_in_its_caller() -> None:
    (is_less,) = functions(
        """
        compare: cmp x0, x1
             ret
        is_less: mov x9, x30
             stp x29, x30, [sp, #-16]!
             bl compare
             ldp x29, x30, [sp], #16
             cset x0, lt
             ret""",
        "is_less/2",
    )
    assert (is_less(1, 2), is_less(2, 1), is_less(-(2**63), 2**63 - 1)) == (1, 0, 1)


@TIERS
def test_recursion(tier: str) -> None:
    (fib,) = functions(
        """
        fib: cmp x0, #2
             b.lt leaf
             stp x19, x30, [sp, #-32]!
             str x20, [sp, #16]
             mov x19, x0
             sub x0, x0, #1
             bl fib
             mov x20, x0
             sub x0, x19, #2
             bl fib
             add x0, x0, x20
             ldr x20, [sp, #16]
             ldp x19, x30, [sp], #32
        leaf: ret""",
        "fib/1",
        tier=tier,
    )
    assert [fib(n) for n in range(12)] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def test_mutual_recursion() -> None:
    even, odd = functions(
        """
        even: cbz x0, yes
             stp x29, x30, [sp, #-16]!
             sub x0, x0, #1
             bl odd
             ldp x29, x30, [sp], #16
             ret
        yes: mov x0, #1
             ret
        odd: cbz x0, no
             stp x29, x30, [sp, #-16]!
             sub x0, x0, #1
             bl even
             ldp x29, x30, [sp], #16
             ret
        no:  mov x0, #0
             ret""",
        "even/1",
        "odd/1",
    )
    assert [even(n) for n in range(5)] == [1, 0, 1, 0, 1]
    assert [odd(n) for n in range(5)] == [0, 1, 0, 1, 0]


def test_tail_calls_take_no_stack() -> None:
    (even,) = functions(
        """
        even: cbz x0, yes
             sub x0, x0, #1
             b odd
        yes: mov x0, #1
             ret
        odd: cbz x0, no
             sub x0, x0, #1
             b even
        no:  mov x0, #0
             ret""",
        "even/1",
    )
    assert even(3_000_001) == 0


def test_indirect_tail_calls_take_no_stack() -> None:
    (count,) = functions(
        """
        count: adr x9, step
             mov x1, #0
        step: cbz x0, done
             add x1, x1, #1
             sub x0, x0, #1
             br x9
        done: mov x0, x1
             ret""",
        "count/1",
    )
    assert count(1_000_000) == 1_000_000


def test_falling_through_into_the_next_function() -> None:
    first, second = functions("first: add x0, x0, #1\nsecond: lsl x0, x0, #1\n ret", "first/1", "second/1")
    assert (first(4), second(4)) == (10, 8)


@TIERS
def test_calls_through_a_table(tier: str) -> None:
    (apply,) = functions(
        """
        apply: stp x29, x30, [sp, #-16]!
             adr x9, table
             ldr w10, [x9, x0, lsl #2]
             add x9, x9, w10, sxtw
             mov x0, x1
             mov x1, x2
             blr x9
             ldp x29, x30, [sp], #16
             ret
        table: .word plus - table, minus - table, times - table
        plus: add x0, x0, x1
             ret
        minus: sub x0, x0, x1
             ret
        times: mul x0, x0, x1
             ret""",
        "apply/3",
        tier=tier,
    )
    assert [apply(which, 7, 5) for which in range(3)] == [12, 2, 35]


def test_a_callback_sees_and_changes_the_registers_of_its_caller() -> None:
    (outer,) = functions(
        """
        outer: stp x29, x30, [sp, #-16]!
             mov x9, x0
             mov x20, #100
             bl middle
             add x0, x9, x20
             ldp x29, x30, [sp], #16
             ret
        middle: stp x29, x30, [sp, #-16]!
             adr x16, leaf
             blr x16
             ldp x29, x30, [sp], #16
             ret
        leaf: add x9, x9, x20
             mov x20, #1000
             ret""",
        "outer/1",
    )
    assert outer(5) == 5 + 100 + 1000


@TIERS
def test_a_switch_with_a_jump_table(tier: str) -> None:
    text = """
        switch: cmp w0, #3
             b.hi other
             adr x9, table
             ldrb w10, [x9, w0, uxtw]
             adr x11, zero
             add x11, x11, x10, lsl #2
             br x11
        zero: mov x0, #10
             ret
        one: mov x0, #11
             ret
        two: mov x0, #12
             ret
        other: mov x0, #-1
             ret
        table: .byte 0, 2, 4, 0
        """
    loaded, _ = load(text, tier=tier)
    (switch,) = functions(text, "switch/1", tier=tier)
    assert [switch(n) for n in (0, 1, 2, 3, 4, -1)] == [10, 11, 12, 10, -1, -1]
    loaded.close()


def test_a_jump_into_the_middle_of_a_known_function() -> None:
    (enter,) = functions(
        """
        enter: adr x9, body
             add x9, x9, #4
             br x9
        body: add x0, x0, #1000
             add x0, x0, #1
             ret""",
        "enter/1",
    )
    assert enter(5) == 6


def test_a_return_through_another_register() -> None:
    (outer,) = functions(
        """
        outer: mov x19, x30
             bl inner
             add x0, x0, #1
             ret x19
        inner: mov x10, x30
             mov x30, #0
             add x0, x0, #10
             ret x10""",
        "outer/1",
    )
    assert outer(1) == 12


def test_a_return_past_the_caller() -> None:
    """What longjmp does: control goes on in a function further up, with all registers."""
    (outer,) = functions(
        """
        outer: stp x29, x30, [sp, #-32]!
             mov x29, sp
             mov x19, #3
             mov x12, #500
             adr x20, landing
             bl middle
             mov x0, #-1
        landing: add x0, x0, x19
             add x0, x0, x12
             mov sp, x29
             ldp x29, x30, [sp], #32
             ret
        middle: stp x29, x30, [sp, #-16]!
             mov x19, #4
             bl inner
             mov x0, #-2
             ldp x29, x30, [sp], #16
             ret
        inner: add x0, x0, #1000
             mov x30, x20
             ret""",
        "outer/1",
    )
    assert outer(1) == 1 + 1000 + 4 + 500


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_jump_to_the_outermost_return_address(engine: str) -> None:
    text = """
        out:    mov x20, x30
                bl deep
                add w0, w0, #100
                br x20
        deep:   add w0, w0, #1
                br x20
    """
    assert armexec.function(text, "int(int)", engine=engine, name="out")(5) == 6


def test_reading_the_pc_with_a_call_of_the_next_instruction() -> None:
    (here,) = functions(
        "here: mov x9, x30\n bl next\nnext: adr x1, here\n sub x0, x30, x1\n mov x30, x9\n ret", "here/0"
    )
    assert here() == 8


def test_an_overwritten_return_address_is_followed() -> None:
    (outer,) = functions(
        """
        outer: stp x29, x30, [sp, #-16]!
             bl victim
             mov x0, #1
             ldp x29, x30, [sp], #16
             ret
        victim: stp x29, x30, [sp, #-16]!
             adr x9, elsewhere
             str x9, [sp, #8]
             ldp x29, x30, [sp], #16
             ret
        elsewhere: mov x0, #77
             ldp x29, x30, [sp], #16
             ret""",
        "outer/0",
    )
    assert outer() == 77


def test_a_jump_to_where_there_is_no_code() -> None:
    (jump,) = functions("jump: br x0", "jump/1")
    with pytest.raises(MemoryFault) as caught:
        jump(0x12340)
    assert (caught.value.access, caught.value.address) == ("execute", 0x12340)
    assert caught.value.pc == 0x12340


def test_code_that_runs_off_its_end() -> None:
    (fall,) = functions("fall: nop", "fall/0")
    with pytest.raises(MemoryFault, match=r"^ran past the end of fall: is a `ret` missing\?") as caught:
        fall()
    assert caught.value.access == "execute"


def test_eight_arguments_of_every_size() -> None:
    (last,) = functions("last: add w0, w7, w0, lsl #1\n ret", "last/8", type=INT)
    assert last(1, 2, 3, 4, 5, 6, 7, -8) == -6


@pytest.mark.parametrize(
    ("text", "restores"),
    [
        ("ldr x30, [sp], #16", True),
        ("ldp x29, x30, [sp, #32]", True),
        ("ldur x30, [sp, #-8]", True),
        ("xpaclri", True),
        ("xpaci x30", True),
        ("ldr x30, [x29, #8]", False),
        ("mov x30, x9", False),
        ("add x30, x30, #4", False),
        ("pacga x30, x1, x2", False),
        ("add x30, sp, #8", False),
    ],
)
def test_instructions_that_restore_the_link(text: str, restores: bool) -> None:
    (word,) = assemble(text).words
    decoded = decode(word)
    assert decoded is not None
    assert _restores_link(decoded) is restores
