"""Exceptions, hints, barriers, system instructions (class "Branches, Exception Generating and System ...")."""

from __future__ import annotations

from functools import partial

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import (
    GeneralRegister,
    Immediate,
    NamedImmediate,
    Operand,
)
from ..operands.branch import DefaultRegister
from ..operands.system import (
    PSTATE_FIELDS,
    BarrierOption,
    ControlRegister,
    ExceptionImmediate,
    FixedRegister,
    HintNumber,
    PstateField,
    SystemOperation,
    SystemRegisterName,
    has_operation,
)
from ..system_registers import DIT, NZCV, SSBS, USER_READABLE, USER_WRITABLE, register_number
from .pointer_authentication import strip

# -- Exception generation ------------------------------------------------------------------------------------

_EXCEPTION: dict[str, Operand] = {
    "imm": ExceptionImmediate("imm16"),
    "optional": ExceptionImmediate("imm16", default=0),
}


@instruction("11010100 opc=000 imm16:16 op2=000 LL=01", ("SVC_EX_exception", "", "svc #<imm>"), operands=_EXCEPTION)
def SVC(m: Machine, imm16: int) -> None:
    """Call the operating system."""
    m.supervisor_call(imm16)


@instruction(
    "11010100 opc=000 imm16:16 op2=000 LL=10",
    ("HVC_EX_exception", "", "hvc #<imm>"),
    operands=_EXCEPTION,
    privileged=True,
)
def HVC(m: Machine, imm16: int) -> None:
    """Call the hypervisor."""
    m.undefined("privileged")


@instruction(
    "11010100 opc=000 imm16:16 op2=000 LL=11",
    ("SMC_EX_exception", "", "smc #<imm>"),
    operands=_EXCEPTION,
    privileged=True,
)
def SMC(m: Machine, imm16: int) -> None:
    """Call the secure monitor."""
    m.undefined("privileged")


@instruction("11010100 opc=001 imm16:16 op2=000 LL=00", ("BRK_EX_exception", "", "brk #<imm>"), operands=_EXCEPTION)
def BRK(m: Machine, imm16: int) -> None:
    """Stop at a breakpoint."""
    m.breakpoint(imm16)


@instruction("11010100 opc=010 imm16:16 op2=000 LL=00", ("HLT_EX_exception", "", "hlt #<imm>"), operands=_EXCEPTION)
def HLT(m: Machine, imm16: int) -> None:
    """Stop for an external debugger."""
    m.breakpoint(imm16)


@instruction(
    "11010100 opc=101 imm16:16 op2=000 LL:2",
    ("DCPS1_DC_exception", "LL=01", "dcps1 {#<optional>}"),
    ("DCPS2_DC_exception", "LL=10", "dcps2 {#<optional>}"),
    ("DCPS3_DC_exception", "LL=11", "dcps3 {#<optional>}"),
    operands=_EXCEPTION,
    privileged=True,
)
def DCPS(m: Machine, imm16: int, LL: int) -> None:
    """Change the exception level in debug state."""
    m.undefined("only in debug state")


@instruction(
    "0000000000000000 imm16:16", ("UDF_only_perm_undef", "", "udf #<imm>"), operands={"imm": Immediate("imm16")}
)
def UDF(m: Machine, imm16: int) -> None:
    """Permanently undefined."""
    m.undefined("permanently undefined")


# -- Hints: those of features that the M1 doesn't have do nothing, as on it ----------------------------------


@instruction(
    "1101010100 0 00 011 0010 CRm:4 op2:3 11111",
    ("NOP_HI_hints", "CRm=0000 op2=000", "nop"),
    ("YIELD_HI_hints", "CRm=0000 op2=001", "yield"),
    ("WFE_HI_hints", "CRm=0000 op2=010", "wfe"),
    ("WFI_HI_hints", "CRm=0000 op2=011", "wfi"),
    ("SEV_HI_hints", "CRm=0000 op2=100", "sev"),
    ("SEVL_HI_hints", "CRm=0000 op2=101", "sevl"),
    ("CSDB_HI_hints", "CRm=0010 op2=100", "csdb"),
    ("HINT_HM_hints", "", "hint #<imm>"),
    operands={"imm": HintNumber()},
)
def HINT(m: Machine, CRm: int, op2: int) -> None:
    """A hint to the processor, which changes nothing a program can see."""


def _later_hint(name: str, feature: str, bits: str, syntax: str, also: str = "") -> None:
    """Describe a hint of one word that a later feature gave a name, and another one that is read too."""

    def nothing(m: Machine) -> None:
        """A hint of a later feature, which changes nothing here."""

    nothing.__name__ = name.partition("_")[0]
    aliases = [Alias(name, "", also, preferred=False)] if also else []
    instruction(f"1101010100 0 00 011 0010 {bits} 11111", (name, "", syntax), aliases=aliases, feature=feature)(nothing)


_later_hint("DGH_HI_hints", "FEAT_DGH", "CRm=0000 op2=110", "dgh")
_later_hint("ESB_HI_hints", "FEAT_RAS", "CRm=0010 op2=000", "esb")
_later_hint("PSB_HC_hints", "FEAT_SPE", "CRm=0010 op2=001", "psb csync")
_later_hint("TSB_HC_hints", "FEAT_TRF", "CRm=0010 op2=010", "tsb csync")
_later_hint("GCSB_HD_hints", "FEAT_GCS", "CRm=0010 op2=011", "gcsb dsync")
_later_hint("CLRBHB_HI_hints", "FEAT_CLRBHB", "CRm=0010 op2=110", "clrbhb", "clearbhb")


@instruction(
    "1101010100 0 00 011 0010 CRm=0101 op2=000 11111",
    ("CHKFEAT_HI_hints", "", "chkfeat <x16>"),
    operands={"x16": FixedRegister(16)},
    feature="FEAT_CHK",
)
def CHKFEAT(m: Machine) -> None:
    """Check which features are on: X16 stays, as on a processor without the instruction."""


@instruction(
    "1101010100 0 00 011 0010 CRm=0100 op2:3 11111",
    ("BTI_HB_hints", "op2=xx0", "bti <targets>"),
    operands={
        "targets": NamedImmediate("op2", {"r": 0, "c": 2, "j": 4, "jc": 6}, numbers=False, what="what may branch here")
    },
    aliases=[Alias("BTI_HB_hints", "op2=000", "bti", preferred=False)],
    feature="FEAT_BTI",
)
def BTI(m: Machine, op2: int) -> None:
    """A target of indirect branches: a hint, as no page is guarded."""


@instruction(
    "1101010100 0 00 011 0010 CRm:4 op2:3 11111",
    ("PACIA1716_HI_hints", "CRm=0001 op2=000", "pacia1716"),
    ("PACIB1716_HI_hints", "CRm=0001 op2=010", "pacib1716"),
    ("AUTIA1716_HI_hints", "CRm=0001 op2=100", "autia1716"),
    ("AUTIB1716_HI_hints", "CRm=0001 op2=110", "autib1716"),
    ("PACIAZ_HI_hints", "CRm=0011 op2=000", "paciaz"),
    ("PACIASP_HI_hints", "CRm=0011 op2=001", "paciasp"),
    ("PACIBZ_HI_hints", "CRm=0011 op2=010", "pacibz"),
    ("PACIBSP_HI_hints", "CRm=0011 op2=011", "pacibsp"),
    ("AUTIAZ_HI_hints", "CRm=0011 op2=100", "autiaz"),
    ("AUTIASP_HI_hints", "CRm=0011 op2=101", "autiasp"),
    ("AUTIBZ_HI_hints", "CRm=0011 op2=110", "autibz"),
    ("AUTIBSP_HI_hints", "CRm=0011 op2=111", "autibsp"),
    feature="FEAT_PAuth",
)
def HINT_PAuth(m: Machine, CRm: int, op2: int) -> None:
    """Sign or authenticate X17 or X30: with the keys disabled they stay as they are."""


@instruction(
    "1101010100 0 00 011 0010 CRm=0000 op2=111 11111",
    ("XPACLRI_HI_hints", "", "xpaclri"),
    feature="FEAT_PAuth",
)
def XPACLRI(m: Machine) -> None:
    """Strip the authentication code from X30."""
    m.X[64, 30] = strip(m, m.X[64, 30])


# -- Barriers ------------------------------------------------------------------------------------------------


@instruction(
    "1101010100 0 00 011 0011 CRm:4 op2=010 Rt=11111",
    ("CLREX_BN_barriers", "", "clrex {#<imm>}"),
    operands={"imm": Immediate("CRm", default=15)},
)
def CLREX(m: Machine, CRm: int) -> None:
    """Clear the exclusive monitor."""
    m.clear_exclusive()


@instruction(
    "1101010100 0 00 011 0011 CRm:4 1 opc=00 Rt=11111",
    ("DSB_BO_barriers", "", "dsb <option>"),
    operands={"option": BarrierOption()},
    aliases=[
        Alias("SSBB_DSB_BO_barriers", "CRm=0000", "ssbb"),
        Alias("PSSBB_DSB_BO_barriers", "CRm=0100", "pssbb"),
    ],
)
def DSB(m: Machine, CRm: int) -> None:
    """Wait until the memory accesses before it are complete."""
    m.barrier("dsb", CRm)


@instruction(
    "1101010100 0 00 011 0011 CRm:4 1 opc=01 Rt=11111",
    ("DMB_BO_barriers", "", "dmb <option>"),
    operands={"option": BarrierOption()},
)
def DMB(m: Machine, CRm: int) -> None:
    """Order the memory accesses before it and after it."""
    m.barrier("dmb", CRm)


@instruction(
    "1101010100 0 00 011 0011 CRm:4 1 opc=10 Rt=11111",
    ("ISB_BI_barriers", "", "isb {<option>}"),
    operands={"option": NamedImmediate("CRm", {"sy": 15}, default=15, what="a barrier option")},
)
def ISB(m: Machine, CRm: int) -> None:
    """Fetch the instructions after it anew."""
    m.barrier("isb", CRm)


@instruction("1101010100 0 00 011 0011 CRm=0000 1 opc=11 Rt=11111", ("SB_only_barriers", "", "sb"), feature="FEAT_SB")
def SB(m: Machine) -> None:
    """Let nothing after it run speculatively before it."""
    m.barrier("sb", 0)


# -- PSTATE --------------------------------------------------------------------------------------------------


@instruction(
    "1101010100 0 00 op1=000 0100 CRm=0000 op2=000 Rt=11111",
    ("CFINV_M_pstate", "", "cfinv"),
    feature="FEAT_FlagM",
)
def CFINV(m: Machine) -> None:
    """Invert the carry flag."""
    old = m.NZCV
    m.NZCV = m.flags(old.N, old.Z, ~old.C, old.V)


@instruction(
    "1101010100 0 00 op1=000 0100 CRm=0000 op2=001 Rt=11111",
    ("XAFLAG_M_pstate", "", "xaflag"),
    feature="FEAT_FlagM2",
)
def XAFLAG(m: Machine) -> None:
    """Convert the flags of a floating-point comparison from the external format to Arm's."""
    old = m.NZCV
    m.NZCV = m.flags(~old.C & ~old.Z, old.Z & old.C, old.C | old.Z, ~old.C & old.Z)


@instruction(
    "1101010100 0 00 op1=000 0100 CRm=0000 op2=010 Rt=11111",
    ("AXFLAG_M_pstate", "", "axflag"),
    feature="FEAT_FlagM2",
)
def AXFLAG(m: Machine) -> None:
    """Convert the flags of a floating-point comparison from Arm's format to the external one."""
    old = m.NZCV
    m.NZCV = m.flags(0, old.Z | old.V, old.C & ~old.V, 0)


@instruction(
    "1101010100 0 00 op1:3 0100 CRm:4 op2:3 Rt=11111",
    ("MSR_SI_pstate", "", "msr <pstatefield>, #<imm>"),
    operands={"pstatefield": PstateField(), "imm": Immediate("CRm")},
    undefined=lambda f: (f["op1"], f["op2"]) not in PSTATE_FIELDS,
)
def MSR_imm(m: Machine, op1: int, CRm: int, op2: int) -> None:
    """Write a field of PSTATE: DIT and SSBS in user space, the others are privileged."""
    match PSTATE_FIELDS[op1, op2]:
        case "DIT":
            m.write_system_register(DIT, m.const(64, (CRm & 1) << 24))
        case "SSBS":
            m.write_system_register(SSBS, m.const(64, (CRm & 1) << 12))
        case _:
            m.undefined("privileged")


# -- System instructions -------------------------------------------------------------------------------------

# The operations of SYS at EL0, by op1, CRn, CRm and op2.
_ZERO_CACHE_BLOCK = (3, 7, 4, 1)
_INVALIDATE_INSTRUCTIONS = (3, 7, 5, 1)
# DC CVAC, CVAU, CVAP, CVADP and CIVAC: caches are coherent with memory here, so there is nothing to clean.
_CLEAN = {(3, 7, 10, 1), (3, 7, 11, 1), (3, 7, 12, 1), (3, 7, 13, 1), (3, 7, 14, 1)}

_CONTROL: dict[str, Operand] = {
    "op1": Immediate("op1"),
    "Cn": ControlRegister("CRn"),
    "Cm": ControlRegister("CRm"),
    "op2": Immediate("op2"),
}


def _operation_aliases() -> list[Alias]:
    """`dc zva, x0` and so on: with a register, without one, and with one that may be left out."""
    aliases = []
    for name, constraints in (
        ("AT", "CRn=0111 CRm=100x"),
        ("DC", "CRn=0111"),
        ("IC", "CRn=0111"),
        ("TLBI", "CRn=100x"),
    ):
        for register, narrowed, operands in (
            ("yes", "", ", <Xt>"),
            ("no", " Rt=11111", ""),
            ("optional", "", "{, <optional>}"),
        ):
            if (name, register) in (("AT", "no"), ("DC", "no")) or (register == "optional" and name != "TLBI"):
                continue
            lower = name.lower()
            aliases.append(
                Alias(
                    f"{name}_SYS_CR_systeminstrs",
                    constraints + narrowed,
                    f"{lower} <operation>{operands}",
                    {"operation": SystemOperation(lower, register), "optional": DefaultRegister("Rt", 31)},
                    preferred=partial(has_operation, alias=lower, register=register),
                )
            )
    return aliases


@instruction(
    "1101010100 L=0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5",
    ("SYS_CR_systeminstrs", "", "sys #<op1>, <Cn>, <Cm>, #<op2>{, <Xt>}"),
    operands={**_CONTROL, "Xt": DefaultRegister("Rt", 31)},
    aliases=[
        *(
            Alias(
                f"{name}_SYS_CR_systeminstrs",
                f"op1=011 CRn=0111 CRm=0011 op2={op2}",
                f"{name.lower()} rctx, <Xt>",
                {"Xt": GeneralRegister("x", "Rt")},
                feature="FEAT_SPECRES",
            )
            for name, op2 in (("CFP", "100"), ("DVP", "101"), ("CPP", "111"))
        ),
        *_operation_aliases(),
    ],
)
def SYS(m: Machine, op1: int, CRn: int, CRm: int, op2: int, Rt: int) -> None:
    """A system operation: cache maintenance by address in user space, the others are privileged."""
    operation = (op1, CRn, CRm, op2)
    if operation == _ZERO_CACHE_BLOCK:
        m.zero_cache_block(m.X[64, Rt])
    elif operation == _INVALIDATE_INSTRUCTIONS:
        m.invalidate_instruction_cache(m.X[64, Rt])
    elif operation not in _CLEAN:
        m.undefined("privileged")


@instruction(
    "1101010100 L=1 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5",
    ("SYSL_RC_systeminstrs", "", "sysl <Xt>, #<op1>, <Cn>, <Cm>, #<op2>"),
    operands=_CONTROL,
    privileged=True,
)
def SYSL(m: Machine, op1: int, CRn: int, CRm: int, op2: int, Rt: int) -> None:
    """A system operation with a result."""
    m.undefined("privileged")


# -- System register move ------------------------------------------------------------------------------------


@instruction(
    "1101010100 L=1 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5",
    ("MRS_RS_systemmove", "", "mrs <Xt>, <systemreg>"),
    operands={"systemreg": SystemRegisterName(write=False)},
)
def MRS(m: Machine, o0: int, op1: int, CRn: int, CRm: int, op2: int, Rt: int) -> None:
    """Read a system register: those of user space (isa.system_registers), the others are privileged."""
    register = register_number(2 | o0, op1, CRn, CRm, op2)
    if register == NZCV:
        flags = m.NZCV
        n, z, c, v = (flag.zero_extend(64) for flag in (flags.N, flags.Z, flags.C, flags.V))
        m.X[64, Rt] = n << 31 | z << 30 | c << 29 | v << 28
    elif register in USER_READABLE:
        m.X[64, Rt] = m.read_system_register(register)
    else:
        m.undefined("privileged")


@instruction(
    "1101010100 L=0 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5",
    ("MSR_SR_systemmove", "", "msr <systemreg>, <Xt>"),
    operands={"systemreg": SystemRegisterName(write=True)},
)
def MSR_reg(m: Machine, o0: int, op1: int, CRn: int, CRm: int, op2: int, Rt: int) -> None:
    """Write a system register: those of user space (isa.system_registers), the others are privileged."""
    register = register_number(2 | o0, op1, CRn, CRm, op2)
    source = m.X[64, Rt]
    if register == NZCV:
        m.NZCV = m.flags(source.bits(31, 1), source.bits(30, 1), source.bits(29, 1), source.bits(28, 1))
    elif register in USER_WRITABLE:
        m.write_system_register(register, source & USER_WRITABLE[register])
    else:
        m.undefined("privileged")
