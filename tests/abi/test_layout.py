"""The layout of structs and unions, from C text and from debug information, against what the compiler makes."""

from __future__ import annotations

import random
import struct

import pytest

from armexec.abi import parse_types
from armexec.objects import CType, load_image
from armexec.toolchain import compile_object

from .random_types import RandomTypes

TARGETS = ("linux", "apple")


def described(ctype: CType) -> object:
    """The layout of a type with all in it."""
    fields = [
        (f.name, f.offset if f.bit_size is None else None, f.bit_size, f.bit_offset, described(f.type))
        for f in ctype.fields or ()
    ]
    inner = described(ctype.target) if ctype.kind in ("array", "vector", "complex") and ctype.target else None
    return ctype.kind, ctype.size, ctype.count, fields, inner


def check(seed: int, count: int, target: str, *, attributes: bool) -> None:
    rng = random.Random(seed)
    types = RandomTypes(rng, "s", attributes=attributes)
    while len(types.tags) < count:
        types.aggregate()
    rows = ", ".join(f"sizeof({tag}), _Alignof({tag})" for tag in types.tags)
    text = "\n".join(
        [
            "#include <arm_neon.h>",
            *types.definitions,
            *(f"{tag} v{n};" for n, tag in enumerate(types.tags)),
            f"const long sizes[] = {{ {rows} }};",
        ]
    )
    image = load_image(compile_object(text, language="c", target=target, opt="-O0", debug=True).data)
    at = image.find("sizes").offset
    segment = next(s for s in image.segments if at is not None and s.offset <= at < s.offset + s.size)
    assert at is not None
    sizes = struct.unpack_from(f"<{2 * count}q", segment.data, at - segment.offset)
    found = parse_types(types.text, apple=target == "apple")
    for n, tag in enumerate(types.tags):
        ours, theirs = found[tag], image.type(tag)
        definition = types.definitions[n + 1]
        assert (ours.size, ours.align) == sizes[2 * n : 2 * n + 2], definition
        assert theirs is not None
        assert described(ours) == described(theirs), definition
        # Debug information says nothing of packing that no offset shows.
        if not attributes:
            assert (theirs.align, theirs.natural_align) == (ours.align, ours.natural_align), definition


@pytest.mark.parametrize("attributes", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_the_compiler_has_the_same_layout(target: str, attributes: bool) -> None:
    check(1, 60, target, attributes=attributes)


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_compiler_has_the_same_layout_of_many(target: str, seed: int) -> None:
    check(seed, 200, target, attributes=seed % 2 == 0)
