"""Single instructions, and straight runs of them, in arbitrary states: to compare the translation with others.

    runners = block_runner([(0x1000, [0x8B020020]), ...], tier="O0")
    state = GuestState(pc=0x1000); state.x[1] = 40; state.x[2] = 2
    trap = runners[0](state)          # None, or a Trap; state.x[0] == 42, state.pc == 0x1004

All runs are compiled as one module: a thousand take about a second at O0. A run ends after its last word or
after the first instruction that changes the control flow, with the pc in the state. Addresses are used as
given: a load reads the host's memory at the address that the guest's registers hold, so give it memory that
is there (`ctypes.addressof`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

from armexec.cpu.registers import PARTIAL, STATE, bit, members, register_type
from armexec.isa import decode
from armexec.machines.llvm.machine import NAMES, LlvmMachine
from armexec.machines.traps import Trap, TrapKind
from armexec.translate.cfg.discovery import Block, BlockEndMachine, ends_block
from armexec.translate.codegen.link import HostCode
from armexec.translate.codegen.llvm import exact_attributes, host_features
from armexec.translate.codegen.support_code import compiled
from armexec.translate.execute.fault_handler import install, thread_key
from armexec.translate.guest_state import OFFSETS, GuestState
from armexec.translate.ir.lift import LiftedBlock, lift_block
from armexec.translate.ir.state_access import load_state, store_state
from armexec.translate.ir.unit_functions import ATTRIBUTES
from armexec.translate.support.runtime_ir import core, runner

__all__ = ["GuestState", "block_runner"]

Runner = Callable[[GuestState], "Trap | None"]


def block_runner(
    runs: Sequence[tuple[int, Sequence[int]]],
    *,
    tier: str = "O2",
    strict: bool = True,
    memory: int | None = None,
) -> list[Runner]:
    """A callable for each (address, words).

    It runs the words on a state and returns the Trap that ended them, or None; after a trap, of the state only
    `trap_kind`, `trap_pc` and `trap_detail` mean anything. `strict`: floating point as the state's FPCR says, with
    flags in its FPSR; otherwise as with an FPCR of zero, and FPSR means nothing. `memory`: the words are a sandbox's,
    whose address 0 is at this one of the host; an address of a fault is the host's.

    Raises:
        HostError: LLVM refuses the code, which is a defect of armexec.
    """
    out = [core(), runner()]
    undefined_reasons: list[dict[int, str]] = []
    helpers: dict[str, str] = {}
    for index, (address, words) in enumerate(runs):
        machine = LlvmMachine(OFFSETS, None, host=host_features(), strict=strict, sandbox=memory is not None)
        block = _block(address, words)
        out += _function(f"t{index}", lift_block(block, machine), machine)
        undefined_reasons.append(machine.undefined_reasons)
        helpers |= machine.helpers
    out += helpers.values()
    out.append("@memory = external global [0 x i8]")
    out.append("attributes #0 = { null_pointer_is_valid nounwind }")
    out.append(exact_attributes())
    host = compiled("\n".join(out), {"thread_key": thread_key(), "memory": memory or 0}, tier=tier)
    install()
    run = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(host.address("run"))
    return [_runner(host, run, host.address(f"t{index}"), undefined_reasons[index]) for index in range(len(runs))]


def _runner(host: HostCode, run: Callable[[int, int], int], function: int, undefined_reasons: dict[int, str]) -> Runner:
    def call(state: GuestState, _keep: HostCode = host) -> Trap | None:
        if not run(function, ctypes.addressof(state)):
            return None
        pc = state.trap_pc
        return Trap(TrapKind(state.trap_kind), pc, state.trap_detail, undefined_reasons.get(pc, ""))

    return call


def _block(address: int, words: Sequence[int]) -> Block:
    block = Block(address)
    flow = BlockEndMachine()
    for word in words:
        decoded = decode(word)
        at = block.end
        block.instructions.append(word if decoded is None else decoded)
        if decoded is None or (ends_block(decoded, at, flow) and flow.kind != "switch"):
            block.kind = flow.kind or "stop"
            break
    block.target = block.end
    return block


def _function(name: str, block: LiftedBlock, m: LlvmMachine) -> list[str]:
    b = m.builder
    terminator = block.terminator
    kind = terminator[0]
    if kind != "trap":
        for n in members(block.dirty & ~PARTIAL):
            store_state(m, n, m.register(n))
        if kind in ("goto", "call"):
            pc = m.address(terminator[1])
        elif kind == "switch":
            # There is no other mode here.
            assert block.source.target is not None
            pc = m.address(block.source.target)
        elif kind == "branch":
            pc = m.select(terminator[1], m.address(terminator[2]), m.address(terminator[3]))
        else:
            pc = terminator[1]
        b.append(f"%pc = getelementptr i8, ptr %state, i64 {OFFSETS['pc']}")
        b.store("i64", pc.text, "%pc")
        b.ret("i1", "false")
    else:
        b.unreachable()
    body = b.out
    used = m.used & ~bit(STATE)
    b.out = [
        f"define i1 @{name}(ptr noalias %state) {ATTRIBUTES} {{",
        "%failed = alloca i1",
        "%alignment = add i64 0, 15",
    ]
    for n in members(used):
        b.append(f"{NAMES[n]} = alloca {register_type(n)}")
        b.store(register_type(n), load_state(m, n).text, NAMES[n])
    return [*b.out, *body, "}"]
