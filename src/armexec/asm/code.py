"""Assembled code, with the forms that it is written in: a listing, ELF, Mach-O."""

from __future__ import annotations

import builtins

from armexec.asm.contents import CodeContents

__all__ = ["Code"]


class Code(CodeContents):
    """Assembled code. `words` and `bytes` are those of the executable sections, one after the other, before any
    relocation.

    `symbols` maps the names defined there to their addresses, counted from `address`. `distances`: whether numbers for
    branch targets are distances in bytes in its source and in its listing, and not addresses. `diagnostics` are what
    `.warning` and `.print` say.
    """

    @property
    def disassembly(self) -> str:
        """The words as instructions again, one a line with its address, under their labels; data as `.word`, and the
        relocations that are left under what they are of."""
        from armexec.asm.listing import code_listing

        return code_listing(self)

    def object(self) -> builtins.bytes:
        """It as a relocatable object: ELF, or Mach-O for text in Apple's dialect.

        Raises:
            AssemblyError: a reference for which the format has no relocation.
        """
        if self.apple:
            from armexec.asm.object_file.macho import write_macho

            return write_macho(self)
        from armexec.asm.object_file.elf import write_elf

        return write_elf(self)
