"""The source of the outlined atomics, which compilers call with -moutline-atomics.

As in libgcc's lse.S; always with exclusive loads and stores, which every Armv8 processor has.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["outlined_atomics"]

_ORDERS = {  # name: acquire, release, a barrier after it
    "relax": ("", "", ""),
    "acq": ("a", "", ""),
    "rel": ("", "l", ""),
    "acq_rel": ("a", "l", ""),
    "sync": ("", "l", "dmb ish"),
}
_SIZES = {1: ("w", "b"), 2: ("w", "h"), 4: ("w", ""), 8: ("x", "")}
_OPERATIONS = {"ldadd": "add", "ldclr": "bic", "ldeor": "eor", "ldset": "orr"}


def outlined_atomics() -> Iterator[tuple[str, str]]:
    """The name and the text of each function.

    `T __aarch64_ldaddN_ORDER(T operand, T *at)` and its like give the value before;
    `T __aarch64_casN_ORDER(T expected, T desired, T *at)` as well, whether or not it was the one expected.
    """
    for order, (acquire, release, barrier) in _ORDERS.items():
        for size, (r, suffix) in _SIZES.items():
            load, store = f"ld{acquire}xr{suffix}", f"st{release}xr{suffix}"
            extend = {1: "uxtb w0, w0", 2: "uxth w0, w0"}.get(size, "")
            yield _function(
                f"__aarch64_cas{size}_{order}",
                f"{extend}\nmov {r}16, {r}0\n1: {load} {r}0, [x2]\ncmp {r}0, {r}16\nb.ne 2f\n"
                f"{store} w17, {r}1, [x2]\ncbnz w17, 1b\n2:{barrier}",
            )
            yield _function(
                f"__aarch64_swp{size}_{order}",
                f"mov {r}16, {r}0\n1: {load} {r}0, [x1]\n{store} w17, {r}16, [x1]\ncbnz w17, 1b\n{barrier}",
            )
            for name, operation in _OPERATIONS.items():
                yield _function(
                    f"__aarch64_{name}{size}_{order}",
                    f"mov {r}16, {r}0\n1: {load} {r}0, [x1]\n{operation} {r}15, {r}0, {r}16\n"
                    f"{store} w17, {r}15, [x1]\ncbnz w17, 1b\n{barrier}",
                )
        # What was loaded is stored again where it isn't the value expected: only then were both halves read at once.
        yield _function(
            f"__aarch64_cas16_{order}",
            f"mov x15, x0\nmov x16, x1\n1: ld{acquire}xp x0, x1, [x4]\ncmp x0, x15\nccmp x1, x16, #0, eq\n"
            f"csel x12, x2, x0, eq\ncsel x13, x3, x1, eq\n"
            f"st{release}xp w17, x12, x13, [x4]\ncbnz w17, 1b\n{barrier}",
        )


def _function(name: str, body: str) -> tuple[str, str]:
    return name, f".globl {name}\n{name}:\n{body}\nret\n"
