"""Assembled code, with the forms that it is written in: a listing, ELF, Mach-O."""

from __future__ import annotations

import builtins

from armexec.asm.contents import CodeContents

__all__ = ["Code"]


class Code(CodeContents):
    """Assembled code. `words` and `bytes` are those of the executable sections, one after the other, before any
    relocation.

    `symbols` maps the names defined there to their addresses, counted from `address`. With `distances`, numbers for
    branch targets are distances in bytes in its source and its listing, and not addresses. `diagnostics` are the
    messages of `.warning` and `.print`.
    """

    @property
    def disassembly(self) -> str:
        """A listing: each instruction with its address, under its labels, data as `.word`, and the relocations that are
        left below their words."""
        from armexec.asm.listing import code_listing

        return code_listing(self)

    def _repr_html_(self) -> str:
        """Its listing, for notebooks."""
        from armexec.html import code_table

        return code_table("Code", self.disassembly, detail=f"{len(self.bytes)} bytes")

    def object(self) -> builtins.bytes:
        """The code as a relocatable object: ELF, or Mach-O for text in Apple's dialect.

        Raises:
            AssemblyError: the format has no relocation for a reference.
        """
        if self.apple:
            from armexec.asm.object_file.macho import write_macho

            return write_macho(self)
        from armexec.asm.object_file.elf import write_elf

        return write_elf(self)
