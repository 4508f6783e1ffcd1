"""Compile, call, fault, limit and drop for some minutes: `scripts/soak MINUTES`.

Memory, mappings and file descriptors are looked at meanwhile. They have to be flat: what they are at the end is hardly
more than after the first third, when caches have been filled.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import statistics
import sys
import time
from typing import NamedTuple

import pytest

import armexec

_BASE = 0x4000_0000


class Use(NamedTuple):
    """What the process uses: resident bytes, mappings, file descriptors."""

    resident: int
    mappings: int
    descriptors: int


def use() -> Use:
    """What this process uses now, without what is garbage."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/maps") as maps:
        mappings = sum(1 for _ in maps)
    return Use(resident, mappings, len(os.listdir("/proc/self/fd")))


class Work:
    """The operations. Each makes what it needs, and drops it."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.engine = "translated"

    def words(self) -> None:
        """New code each time."""
        number = self.chance.randrange(1 << 16)
        f = armexec.function(f"mov x1, #{number}\nadd x0, x0, x1\nret", "long(long)", engine=self.engine)
        assert f(5) == number + 5

    def compiled(self) -> None:
        """One of a few sources, whose objects are kept on disk."""
        number = self.chance.randrange(8)
        text = f"struct p {{ long a, b; }}; struct p f(struct p v) {{ v.a += {number}; return v; }}"
        with armexec.compile(text, "c", engine=self.engine) as m:
            result = m.f(m.types["p"](a=1, b=2))
            assert (result.a, result.b) == (1 + number, 2)

    def fault(self) -> None:
        """Faults, with and without their texts."""
        f = armexec.function("ldr x0, [x0]\nret", "long(long)", engine=self.engine)
        for _ in range(20):
            with pytest.raises(armexec.MemoryFault):
                f(16)
        with pytest.raises(armexec.MemoryFault, match="0x18"):
            f(24)

    def time_limit(self) -> None:
        """A loop without end."""
        f = armexec.function("b .", "void()", engine=self.engine)
        with armexec.limits(time_limit=0.01), pytest.raises(armexec.TimeLimitExceeded):
            f()

    def instruction_limit(self) -> None:
        """A loop that is counted."""
        f = armexec.function("1: subs x0, x0, #1\nb.ne 1b\nret", "long(long)", engine=self.engine)
        with armexec.limits(instruction_limit=1000):
            assert f(400) == 0
            with pytest.raises(armexec.InstructionLimitExceeded):
                f(400)

    def callbacks(self) -> None:
        """Functions of Python, one of which raises."""
        m = armexec.compile("long f(long (*g)(long), long x) { return g(x) + 1; }", "c", engine=self.engine)
        assert m.f(lambda x: 2 * x, 20) == 41
        with pytest.raises(ZeroDivisionError):
            m.f(lambda x: x // 0, 1)

    def space(self) -> None:
        """An address space, with code that is changed."""
        space = armexec.AddressSpace(engine=self.engine)
        space.map(_BASE, 0x4000, "rx", data=armexec.assemble("add x0, x0, #1\nret").bytes)
        cpu = armexec.Cpu(space)
        for number in (1, 7):
            space.protect(_BASE, 0x4000, "rw")
            space.write(_BASE, armexec.assemble(f"add x0, x0, #{number}\nret").bytes)
            space.protect(_BASE, 0x4000, "rx")
            cpu.pc, cpu.x[0], cpu.x[30] = _BASE, 1, 0x1000
            cpu.run(until=0x1000)
            assert cpu.x[0] == 1 + number

    def written(self) -> None:
        """Code that is written and called."""
        call = armexec.function("br x0", "long(long)", engine=self.engine)
        with armexec.CodeBuffer(4096) as buffer:
            for number in (3, 4):
                buffer.write(0, armexec.assemble(f"mov x0, #{number}\nret").bytes)
                assert call(buffer.address) == number

    def refused(self) -> None:
        """Bad input."""
        with pytest.raises(armexec.AssemblyError):
            armexec.assemble("add x0, x1, #banana")
        with pytest.raises(armexec.LoadError):
            armexec.load(b"\x7fELF" + self.chance.randbytes(200))
        with pytest.raises(armexec.SignatureError):
            armexec.function("ret", "long(long")(1)


def main() -> int:
    """Work, look, and say whether all was flat."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    work = Work(random.Random(arguments.seed))
    operations = [getattr(work, name) for name in vars(Work) if not name.startswith("_")]
    end, count = time.monotonic() + 60 * arguments.minutes, 0
    between = max(arguments.minutes * 60 / 60, 0.5)
    seen: list[Use] = []
    following = time.monotonic()
    while time.monotonic() < end:
        work.engine = work.chance.choice(("translated", "translated", "reference"))
        work.chance.choice(operations)()
        count += 1
        if time.monotonic() >= following:
            seen.append(use())
            following = time.monotonic() + between
            print(
                f"{count:8} operations  {seen[-1].resident / 1e6:7.1f} MB  {seen[-1].mappings:5} mappings  "
                f"{seen[-1].descriptors:3} descriptors",
                flush=True,
            )
    third = len(seen) // 3
    if not third:
        print("too short to tell")
        return 1
    flat = True
    for name, slack in (("resident", 4_000_000), ("mappings", 16), ("descriptors", 2)):
        early = statistics.median(getattr(each, name) for each in seen[third : 2 * third])
        late = statistics.median(getattr(each, name) for each in seen[-third:])
        flat = flat and late <= early * 1.02 + slack
        print(f"{name}: {early:.0f} in the second third, {late:.0f} in the last")
    print(f"{count} operations: {'flat' if flat else 'NOT flat'}")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
