"""What debuggers are told of the registers: DWARF's numbers, and GDB's description of a target."""

from __future__ import annotations

from typing import Any, NamedTuple

from armexec.cpu.registers import REGISTERS, Kind, Register

__all__ = ["DebuggerRegister", "debugger_registers", "dwarf_number", "target_description"]


def dwarf_number(register: Register | str) -> int:
    """The number of a register, or of the one of a name, in DWARF.

    Raises:
        KeyError: no register has that name, or DWARF has no number for it.
    """
    found = REGISTERS[register] if isinstance(register, str) else register
    if found.dwarf is None:
        raise KeyError(f"DWARF has no number for {found.name}")
    return found.dwarf


_FLAG_BITS = {"v": 28, "c": 29, "z": 30, "n": 31}
_VECTOR_TYPES = """\
    <vector id="v2d" type="ieee_double" count="2"/>
    <vector id="v2u" type="uint64" count="2"/>
    <vector id="v4f" type="ieee_single" count="4"/>
    <vector id="v4u" type="uint32" count="4"/>
    <vector id="v8u" type="uint16" count="8"/>
    <vector id="v16u" type="uint8" count="16"/>
    <vector id="v1u" type="uint128" count="1"/>
    <union id="vnd"><field name="f" type="v2d"/><field name="u" type="v2u"/></union>
    <union id="vns"><field name="f" type="v4f"/><field name="u" type="v4u"/></union>
    <union id="vnh"><field name="u" type="v8u"/></union>
    <union id="vnb"><field name="u" type="v16u"/></union>
    <union id="vnq"><field name="u" type="v1u"/></union>
    <union id="aarch64v">
      <field name="d" type="vnd"/><field name="s" type="vns"/><field name="h" type="vnh"/>
      <field name="b" type="vnb"/><field name="q" type="vnq"/>
    </union>"""


def target_description() -> str:
    """The `target.xml` of GDB's remote protocol ("AArch64 Features" in its manual).

    Registers are numbered in the order in which they stand: X0-X30, SP, PC, CPSR, V0-V31, FPSR, FPCR, TPIDR_EL0.
    """
    kinds = {Kind.STACK_POINTER: "data_ptr", Kind.PROGRAM_COUNTER: "code_ptr"}
    core = [
        f'    <reg name="{register.name}" bitsize="{register.bits}" type="{kinds.get(register.kind, "int")}"/>'
        for register in REGISTERS.values()
        if register.kind in (Kind.GENERAL, *kinds)
    ]
    flags = [f'      <field name="{name.upper()}" start="{at}" end="{at}"/>' for name, at in _FLAG_BITS.items()]
    vectors = [
        f'    <reg name="{register.name}" bitsize="{register.bits}" type="aarch64v"/>'
        for register in REGISTERS.values()
        if register.kind is Kind.VECTOR
    ]
    return "\n".join(
        (
            '<?xml version="1.0"?>',
            '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
            '<target version="1.0">',
            "  <architecture>aarch64</architecture>",
            "  <osabi>GNU/Linux</osabi>",
            '  <feature name="org.gnu.gdb.aarch64.core">',
            '    <flags id="cpsr_flags" size="4">',
            *flags,
            "    </flags>",
            *core,
            '    <reg name="cpsr" bitsize="32" type="cpsr_flags"/>',
            "  </feature>",
            '  <feature name="org.gnu.gdb.aarch64.fpu">',
            _VECTOR_TYPES,
            *vectors,
            '    <reg name="fpsr" bitsize="32" type="int"/>',
            '    <reg name="fpcr" bitsize="32" type="int"/>',
            "  </feature>",
            '  <feature name="org.gnu.gdb.aarch64.tls">',
            f'    <reg name="tpidr" bitsize="{REGISTERS["tpidr_el0"].bits}" type="data_ptr"/>',
            "  </feature>",
            "</target>",
            "",
        )
    )


class DebuggerRegister(NamedTuple):
    """A register as GDB's remote protocol sends it, in `size` bytes. `register`: None for CPSR, which has the flags."""

    name: str
    size: int
    register: Register | None

    def read(self, state: Any) -> bytes:
        """Its bytes in the state of a Cpu, little-endian."""
        if self.register is None:
            value = sum(int(getattr(state, flag)) << at for flag, at in _FLAG_BITS.items())
            return value.to_bytes(self.size, "little")
        begin = self.register.offset
        return bytes(memoryview(state).cast("B")[begin : begin + self.size])

    def write(self, state: Any, data: bytes) -> None:
        """Set it in the state of a Cpu."""
        if self.register is None:
            value = int.from_bytes(data, "little")
            for flag, at in _FLAG_BITS.items():
                setattr(state, flag, value >> at & 1)
            return
        begin, size = self.register.offset, self.register.size
        memoryview(state).cast("B")[begin : begin + size] = data.ljust(size, b"\0")


def debugger_registers() -> list[DebuggerRegister]:
    """The registers in the order of `target_description`."""
    general = [r for r in REGISTERS.values() if r.kind in (Kind.GENERAL, Kind.STACK_POINTER, Kind.PROGRAM_COUNTER)]
    vectors = [r for r in REGISTERS.values() if r.kind is Kind.VECTOR]
    return [
        *(DebuggerRegister(r.name, r.size, r) for r in general),
        DebuggerRegister("cpsr", 4, None),
        *(DebuggerRegister(r.name, r.size, r) for r in vectors),
        *(DebuggerRegister(name, 4, REGISTERS[name]) for name in ("fpsr", "fpcr")),
        DebuggerRegister("tpidr", 8, REGISTERS["tpidr_el0"]),
    ]
