"""Machine code in an address space of its own, with all its registers: as in Unicorn, and in armexec.

    python examples/cpu_and_space.py [--engine reference]

The same program runs in both, if Unicorn is installed (`pip install unicorn`): it counts down, writes what it has
summed up, and makes a system call.
"""

from __future__ import annotations

import argparse
from typing import Any

import armexec

CODE, DATA = 0x4000_0000, 0x1000
PROGRAM = armexec.assemble(
    """
    again: add  x1, x1, x0
           subs x0, x0, #1
           b.ne again
           str  x1, [x2]
           svc  #1
    """
).bytes


def in_unicorn() -> tuple[int, int]:
    """The sum, and how many writes a hook has seen."""
    import unicorn
    from unicorn import arm64_const as a64

    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.mem_map(CODE, 0x1000, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    uc.mem_map(DATA, 0x1000, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
    uc.mem_write(CODE, PROGRAM)
    uc.reg_write(a64.UC_ARM64_REG_X0, 100)
    uc.reg_write(a64.UC_ARM64_REG_X2, DATA)
    writes: list[int] = []

    def written(uc: Any, access: int, address: int, size: int, value: int, _: Any) -> None:
        writes.append(address)

    def interrupted(uc: Any, number: int, _: Any) -> None:
        uc.emu_stop()

    uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, written)
    uc.hook_add(unicorn.UC_HOOK_INTR, interrupted)
    uc.emu_start(CODE, CODE + len(PROGRAM))
    return int.from_bytes(uc.mem_read(DATA, 8), "little"), len(writes)


def in_armexec(engine: str | None = None) -> tuple[int, int]:
    """The same."""
    space = armexec.AddressSpace(engine)
    space.map(CODE, 0x1000, "rx", data=PROGRAM)
    space.map(DATA, 0x1000, "rw")
    cpu = armexec.Cpu(space)
    cpu.pc, cpu.x[0], cpu.x[2] = CODE, 100, DATA
    writes: list[int] = []
    with space.hook_write(lambda cpu, access: writes.append(access.address), DATA, DATA + 8):
        stop = cpu.run()
    print(stop)
    print(cpu)
    assert stop.reason == "system call"
    return int.from_bytes(space.read(DATA, 8), "little"), len(writes)


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", help="translated or reference")
    ours = in_armexec(parser.parse_args().engine)
    print(f"armexec: sum {ours[0]}, {ours[1]} write")
    try:
        theirs = in_unicorn()
    except ImportError:
        print("Unicorn isn't installed")
        return
    print(f"unicorn: sum {theirs[0]}, {theirs[1]} write")


if __name__ == "__main__":
    main()
