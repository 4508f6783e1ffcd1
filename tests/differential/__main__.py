"""One case again, on everything: `python -m tests.differential ADD_32_addsub_imm --seed 0 --case 17`."""

from __future__ import annotations

import argparse

from armexec.disasm import disassemble

from .exceptions import asked, covering
from .generate import encodings
from .runner import ORACLES, make_one


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("encoding", choices=encodings(), metavar="ENCODING")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, default=0)
    arguments = parser.parse_args()
    case = make_one(arguments.encoding, arguments.seed, arguments.case)
    if case is None:
        print("not described yet")
        return 0
    for instruction in disassemble(case.state.code, address=case.state.pc):
        print(f"{instruction.address:x}: {instruction.word:08x}  {instruction.text}  ({instruction.encoding})")
    print(case.state)
    print("reference:", case.outcome.trap.name if case.outcome.trap else "")
    differs = False
    for name, run_all in ORACLES.items():
        if not asked(name, case.state):
            print(f"{name}: not asked")
            continue
        theirs = run_all([case.state])[0]
        differences = case.outcome.differences(theirs)
        exception = covering(name, case.state, case.outcome, theirs) if differences else None
        print(f"{name}:", "equal" if not differences else "")
        for difference in differences:
            print("   ", difference)
        if exception is not None:
            print("    expected:", exception.reason)
        differs = differs or bool(differences and exception is None)
    return int(differs)


if __name__ == "__main__":
    raise SystemExit(main())
