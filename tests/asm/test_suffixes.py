"""Apple's suffixes of vector mnemonics, against LLVM."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.isa.llvm import reassembled

from armexec import Error
from armexec.asm import assemble

LINES = """\
ld1.4s {v0}, [x0]
ld1.4s {v0, v1}, [x0], #32
ld1.s {v0}[1], [x0]
ld4r.8b {v31, v0, v1, v2}, [x0]
st2.16b {v0, v1}, [x0], x2
ins.s v0[1], w1
mov.s v0[1], w1
mov.d v0[1], x1
mov.s v0[1], v1[2]
mov.s w0, v1[2]
umov.b w0, v1[3]
smov.h x0, v1[3]
dup.4s v0, v1[2]
dup.2d v0, x1
zip1.8h v0, v1, v2
tbl.8b v0, {v1, v2}, v3
ext.16b v0, v1, v2, #3
fmov.4s v0, #1.00000000
movi.2d v0, #0000000000000000
movi.4s v0, #1, lsl #8
orr.4s v0, #1
fmov.d x0, v1[1]
add.4s v0, v1, v2
fmov.d v0[1], x1
mov.16b v0, v1
saddl.8h v0, v1, v2
saddl2.8h v0, v1, v2
addhn.8b v0, v1, v2
addv.8b b0, v1
saddlp.4h v0, v1
sdot.2s v0, v1, v2
cmeq.4s v0, v1, #0
xtn.8b v0, v1
""".splitlines()


def test_suffixes(tmp_path: Path) -> None:
    expected = [word for _, word in reassembled(LINES, tmp_path)]
    assert assemble("\n".join(LINES)).words == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("add.4q v0, v1, v2", "add has no form of these operands with .4q"),
        ("add.4s v0, v1.4s, v2", "add has no form of these operands with .4s"),
        ("add.8b x0, x1, x2", "add has no form of these operands with .8b"),
        ("zip1.4s v0, v1", "zip1 has no form of these operands with .4s"),
        ("nothing.4s v0, v1", "unknown mnemonic 'nothing.4s'"),
    ],
)
def test_errors(text: str, says: str) -> None:
    with pytest.raises(Error, match=says):
        assemble(text)
