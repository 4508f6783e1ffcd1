"""Where an oracle differs from armexec on purpose, and why armexec is right (or free to choose).

An entry names encodings by a regular expression, and says of a case and both outcomes whether it covers it.
Nothing else is left out anywhere; a long test asserts that each entry is still met.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from armexec.isa import decode
from armexec.isa.id_registers import ID_REGISTERS
from armexec.isa.system_registers import CNTFRQ_EL0, CNTVCT_EL0, CTR_EL0, DCZID_EL0, DIT, FPCR, FPSR, SSBS
from armexec.machines.addresses import without_tag
from armexec.machines.traps import TrapKind

from .generate import accessed
from .state import MASK64, Outcome, State

__all__ = ["EXCEPTIONS", "NOT_RUN", "Exception_", "asked", "covering"]

ALIGNMENT, UNDEFINED, READ, WRITE = TrapKind.ALIGNMENT, TrapKind.UNDEFINED, TrapKind.READ, TrapKind.WRITE


@dataclass(frozen=True)
class Exception_:
    """A difference that is expected: `applies` to (state, armexec's outcome, the oracle's).

    A word that isn't an instruction is of the encoding "".
    """

    oracles: tuple[str, ...]
    encodings: str
    applies: Callable[[State, Outcome, Outcome], bool]
    reason: str

    def covers(self, oracle: str, state: State, ours: Outcome, theirs: Outcome) -> bool:
        return (
            oracle in self.oracles
            and re.match(self.encodings, _name(state)) is not None
            and self.applies(state, ours, theirs)
        )


def _field(state: State, name: str) -> int | None:
    decoded = decode(state.code[0])
    return None if decoded is None else decoded.fields.get(name)


def _name(state: State) -> str:
    decoded = decode(state.code[0])
    return "" if decoded is None else decoded.form.name


def _misaligned_stack(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return ours.trap is ALIGNMENT and state.registers[31] % 16 != 0 and _field(state, "Rn") == 31


def _address(state: State) -> int:
    return accessed(state) or 0


def _access_size(state: State) -> int:
    """The bytes of an exclusive, ordered or atomic access."""
    word = state.code[0]
    is_pair = word & 0x3F20_0000 == 0x0820_0000
    if is_pair and not word >> 23 & 1:
        # CASP has its size in bit 30 alone, as LDXP and STXP do, whose bit 31 is 1.
        return 16 if word >> 30 & 1 else 8
    return 1 << (word >> 30)


def _within_16_bytes(state: State, ours: Outcome, theirs: Outcome) -> bool:
    size, address = _access_size(state), _address(state)
    return theirs.trap is ALIGNMENT and ours.trap is not ALIGNMENT and address % 16 + size <= 16


def _across_16_bytes(state: State, ours: Outcome, theirs: Outcome) -> bool:
    size, address = _access_size(state), _address(state)
    return ours.trap is ALIGNMENT and theirs.trap is not ALIGNMENT and address % 16 + size > 16


def _system_register(state: State) -> int:
    return 1 << 15 | state.code[0] >> 5 & 0xFFFF


def _register_is(*registers: int) -> Callable[[State, Outcome, Outcome], bool]:
    return lambda state, ours, theirs: _system_register(state) in registers


def _only_undefined_there(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return theirs.trap is UNDEFINED and ours.trap is not UNDEFINED


def _modified_immediate_o2(state: State, ours: Outcome, theirs: Outcome) -> bool:
    """The modified immediate class with op, o2 and cmode = 1111 all set."""
    return ours.trap is UNDEFINED and state.code[0] & 0xBFF8_FC00 == 0x2F00_FC00


def _always(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return True


def _access_kinds(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return {ours.trap, theirs.trap} == {READ, WRITE}


def _not_canonical(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return _access_kinds(state, ours, theirs) and (_address(state) + (1 << 47) & MASK64) >> 48 != 0


def _is_tagged(state: State) -> bool:
    address = _address(state)
    return without_tag(address) != address


def _faults_by_tag(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return theirs.trap in (READ, WRITE) and _is_tagged(state)


def _top_byte(state: State, ours: Outcome, theirs: Outcome) -> bool:
    mask = (1 << 56) - 1
    same = [a & mask == b & mask for a, b in zip(ours.registers, theirs.registers, strict=True)]
    return all(same) and ours.pc & mask == theirs.pc & mask


def _dead_load(state: State, ours: Outcome, theirs: Outcome) -> bool:
    first, second = _field(state, "Rt"), _field(state, "Rt2")
    # Either of a pair may be the one that faults. Of `ldp q3, q3, [x0]`, one isn't used.
    unused = bool({first, second} & {31, _field(state, "Rn")}) or first == second
    changes_nothing = _field(state, "Rs") == 31 and re.match("LD(ADD|CLR|EOR|SET|UMAX)", _name(state)) is not None
    return (unused or changes_nothing) and theirs.trap is None and ours.trap in (READ, WRITE)


def _flushed_is_exact(state: State, ours: Outcome, theirs: Outcome) -> bool:
    same = not ours.differences(replace(theirs, nzcv=ours.nzcv))
    return same and state.fpcr >> 24 & 1 == 1 and ours.nzcv == 0b0000 and theirs.nzcv == 0b0100


def _half_in_32_bits(state: State, ours: Outcome, theirs: Outcome) -> bool:
    half = ((_field(state, "immh") or 0) >> 1) == 1
    vectors = [
        a if a == b & 0xFFFF and b >> 16 == 0xFFFF else b for a, b in zip(ours.vectors, theirs.vectors, strict=True)
    ]
    return half and not ours.differences(replace(theirs, vectors=vectors))


def _flags_of_the_upper_half(state: State, ours: Outcome, theirs: Outcome) -> bool:
    return _field(state, "Q") == 0 and not ours.differences(replace(theirs, fpsr=ours.fpsr & theirs.fpsr))


_PLAIN = ("plain-O0", "plain-O2")
_TRANSLATED = ("translated-O0", "translated-O2", *_PLAIN)

EXCEPTIONS = (
    Exception_(
        ("unicorn",),
        r".*",
        _faults_by_tag,
        "Unicorn doesn't ignore the highest byte of addresses of data unless TCR_EL1 says so, and if it does, also "
        "strips it from branches and by XPACI.",
    ),
    Exception_(
        _TRANSLATED,
        r"(LD|SWP|CAS)\w*_(memop|comswap|comswappr)",
        _access_kinds,
        "x86-64 reports the fault of an atomic operation as a write. The manual says so only of memory that can "
        "be read: ISS.WnR in D17.2.37 'ESR_EL1'.",
    ),
    Exception_(
        _TRANSLATED,
        r".*",
        _not_canonical,
        "x86-64 doesn't say of an address outside of its 48 bits whether it was read or written (#GP, without an "
        "address).",
    ),
    Exception_(
        _TRANSLATED,
        r"LD\w*_",
        _dead_load,
        "LLVM leaves out a load whose value nobody reads (to XZR, or to a base that write-back replaces), and an "
        "atomic that changes nothing, so their fault doesn't happen. The manual has it happen; keeping such loads "
        "would cost all others.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"$",
        _modified_immediate_o2,
        "QEMU takes the word for FMOV (vector, immediate) of halves without looking at op. The manual has it only with "
        "op = 0: C4.1.96 'Advanced SIMD modified immediate', op 1, cmode 1111, o2 1 is unallocated.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"(LD|ST|CAS|SWP)",
        _misaligned_stack,
        "QEMU leaves out the check of SP's alignment (gen_check_sp_alignment is empty). The manual makes it a "
        "fault where SCTLR_EL1.SA0 is set, as Linux and macOS have it: D1.8.2 'SP alignment checking', "
        "CheckSPAlignment().",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"(LD|ST|CAS|SWP)\w*_(ldstexcl|ldstord|ldapstl|comswap|memop)",
        _within_16_bytes,
        "Unicorn and QEMU 7.2 have no FEAT_LSE2, as Apple silicon does: an ordered, exclusive or atomic access "
        "that lies within an aligned 16 bytes is allowed. B2.2.1.1 'Changes to single-copy atomicity in Armv8.4', "
        "AArch64.UnalignedAccessFaults().",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"(LD|ST)\w*_(ldstord|ldapstl|memop)",
        _across_16_bytes,
        "Unicorn and QEMU 7.2 never check the alignment of load-acquire and store-release. The manual makes an "
        "access that crosses 16 bytes a fault where SCTLR_ELx.nAA is 0: AArch64.UnalignedAccessFaults().",
    ),
    Exception_(
        ("unicorn",),
        r"LDS(MAX|MIN)[AL]*[BH]?_32_memop",
        lambda state, ours, theirs: ours.registers == theirs.registers and ours.trap is theirs.trap is None,
        "QEMU 5.0 compares the zero-extended value from memory with the sign-extended register "
        "(do_nonatomic_op_*, corrected in QEMU 7.2). The manual compares both as signed: LDSMAX, 'if SInt(data) > "
        "SInt(value)'.",
    ),
    Exception_(
        ("unicorn",),
        r"HLT_EX_exception",
        lambda state, ours, theirs: ours.trap is TrapKind.BREAKPOINT and theirs.trap is UNDEFINED,
        "Where halting is not allowed HLT is UNDEFINED; armexec is its own debugger, and reports a breakpoint: "
        "H2.4.1 'Halting the PE for debug', BreakpointHit.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"PACGA_",
        _always,
        "PACGA's code is IMPLEMENTATION DEFINED (D8.10.1 ComputePACIMPDEF()), and Unicorn traps it to an EL3 "
        "without handler.",
    ),
    Exception_(
        ("unicorn",),
        r"(MSR_SI|MSR_SR|MRS_RS)_",
        lambda state, ours, theirs: (
            _only_undefined_there(state, ours, theirs)
            and (_system_register(state) in (DIT, SSBS) or state.code[0] & 0xFFFF_F01F == 0xD503_401F)
        ),
        "QEMU 5.0 has neither FEAT_DIT nor FEAT_SSBS; Apple silicon has both. C5.2.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"MRS_RS_",
        _register_is(CTR_EL0, DCZID_EL0, CNTFRQ_EL0, CNTVCT_EL0, *ID_REGISTERS),
        "Values that identify the implementation, or time: D17.2, D17.11.",
    ),
    Exception_(
        _TRANSLATED,
        r"MRS_RS_",
        _register_is(CNTVCT_EL0),
        "The time goes on.",
    ),
    Exception_(
        ("qemu-user",),
        r"(PAC|AUT|LDRA|BL?RA|RETA)\w*_(1src|hints|pac|reg)",
        _always,
        "Linux gives each process keys of its own, so QEMU signs and authenticates. armexec has the keys "
        "disabled, as macOS has them for arm64 processes; Unicorn, set up so, is the oracle: D8.10, "
        "SCTLR_EL1.{EnIA, EnIB, EnDA, EnDB}.",
    ),
    Exception_(
        ("qemu-user",),
        r".*",
        _access_kinds,
        "QEMU 7.2 leaves ESR_EL1 out of signal frames, so a program can't tell a write from a read; Linux has it: "
        "esr_context.",
    ),
    Exception_(
        ("qemu-user",),
        r"(XPAC|BR_|BLR_|RET_)",
        _top_byte,
        "Linux has the top byte of a code address ignored (TCR_EL1.TBI0, without TBID0); macOS doesn't: D8.8.1.",
    ),
    Exception_(
        ("qemu-user",),
        r"SYS_CR_",
        lambda state, ours, theirs: state.code[0] & 0xFFFF_FFE0 == 0xD50B_7420,
        "DC ZVA clears 512 bytes in QEMU's `max`; the size is the implementation's (DCZID_EL0.BS).",
    ),
    Exception_(
        ("qemu-user",),
        r"SYS_CR_",
        lambda state, ours, theirs: state.code[0] & 0xFFFF_FEE0 == 0xD50B_7C20 and theirs.trap is UNDEFINED,
        "QEMU 7.2 has DC CVAP and DC CVADP (FEAT_DPB, FEAT_DPB2) for whole systems alone. Linux lets programs use "
        "them: SCTLR_EL1.UCI.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"(SYS_CR|MRS_RS|MSR_SR)_",
        lambda state, ours, theirs: ours.trap is UNDEFINED and theirs.trap is not UNDEFINED,
        "System registers and operations of features that QEMU's `max` has and Apple silicon doesn't (FEAT_MTE, "
        "FEAT_RNG).",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"MSR_SR_",
        lambda state, ours, theirs: (
            _register_is(FPCR, FPSR)(state, ours, theirs)
            and not (ours.fpcr ^ theirs.fpcr) & ~0x37_0000
            and not (ours.fpsr ^ theirs.fpsr) & ~0xF000_0000
        ),
        "QEMU keeps FPCR.{Stride, Len} and FPSR's flags of AArch32, which are RES0 without AArch32: C5.2.8, C5.2.10.",
    ),
    Exception_(
        ("unicorn",),
        r"(BF|SMMLA|UMMLA|USMMLA|USDOT|SUDOT)",
        _only_undefined_there,
        "QEMU 5.0 has neither FEAT_BF16 nor FEAT_I8MM; QEMU 7.2 does, and is the oracle.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"(ABS|CNT|CTZ|[SU]M(AX|IN))_(32U?|64U?)_(dp_[12]src|minmax_imm)",
        _only_undefined_there,
        "Neither QEMU 5.0 nor 7.2 has FEAT_CSSC; tests/isa compares with Python's integers.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"FJCVTZS_",
        _flushed_is_exact,
        "QEMU calls the conversion of a positive denormal that FPCR.FZ flushes exact. Its fraction isn't zero, so "
        "Z is clear: FPToFixedJS().",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"FCVTZ[SU]_asisdshf_C",
        _half_in_32_bits,
        "QEMU extends the sign of a half-precision scalar's result to 32 bits. A write of H clears the bits above: "
        "C7.2, FCVTZS (vector, fixed-point).",
    ),
    Exception_(
        ("unicorn",),
        r"FCMLA_asimdelem_C_H",
        _flags_of_the_upper_half,
        "QEMU 5.0 computes the upper half of a 64-bit vector too, and raises its flags in FPSR; QEMU 7.2 doesn't.",
    ),
    Exception_(
        ("qemu-user",),
        r"$",
        lambda state, ours, theirs: state.code[0] & 0xFFFF_F0FF == 0xD503_409F,
        "MSR TCO, #imm is of FEAT_MTE, which QEMU's `max` has and Apple silicon before the A19 doesn't: C5.2.25.",
    ),
    Exception_(
        ("unicorn",),
        r"SYS_CR_",
        lambda state, ours, theirs: ours.trap is theirs.trap is WRITE and theirs.pc == ours.pc + 4,
        "Unicorn reports DC ZVA's fault after the instruction; an exception's return address is the instruction: "
        "D1.3.3.",
    ),
    Exception_(
        ("unicorn", "qemu-user"),
        r"ST\w*_ldstexcl",
        lambda state, ours, theirs: ours.trap is ALIGNMENT and theirs.trap is None,
        "A store-exclusive whose monitor is clear: whether the monitor is looked at before the address is checked "
        "is IMPLEMENTATION DEFINED. AArch64.ExclusiveMonitorsPass().",
    ),
)


NOT_RUN = {
    "qemu-user": {
        r"SVC_": "A system call would be made, of a random number.",
        r"HLT_": "QEMU takes some for semihosting requests.",
    },
}
"""What an oracle is not asked, by regular expressions of encodings."""


def asked(oracle: str, state: State) -> bool:
    """Whether the oracle can be given this case."""
    decoded = decode(state.code[0])
    if oracle in _PLAIN:
        # All else is the same as in strict code.
        is_simd = decoded is not None and "simd_fp" in decoded.instruction.semantics.__module__
        if not is_simd or state.fpcr:
            return False
    return not any(re.match(pattern, _name(state)) for pattern in NOT_RUN.get(oracle, ()))


def covering(oracle: str, state: State, ours: Outcome, theirs: Outcome) -> Exception_ | None:
    """The entry that expects this difference."""
    return next((e for e in EXCEPTIONS if e.covers(oracle, state, ours, theirs)), None)
