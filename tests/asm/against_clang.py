"""Assembled text compared with the object that clang makes of the same source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from armexec.asm import assemble
from armexec.objects import Image, RelocationType, load_image
from armexec.objects.relocations import apply
from armexec.sources.images import code_image

_BRANCHES = ("CALL26", "JUMP26", "CONDBR19", "TSTBR14")
_SECTION_NAMES = {".text": "__TEXT,__text", ".bss": "__DATA,__bss", ".data": "__DATA,__data"}


class View:
    """An image's sections with their bytes, symbols and relocations, in terms that don't depend on the layout."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.sections: dict[str, bytes] = {}
        self.places = []
        for section in image.sections:
            if section.size == 0 or _is_unwinding(section.name):
                continue
            name = self._name(section.name)
            self.places.append((section.offset, section.size, name))
            data = bytearray(section.size)
            for segment in image.segments:
                if segment.offset <= section.offset < segment.offset + segment.size:
                    found = segment.data[section.offset - segment.offset :][: section.size]
                    data[: len(found)] = found
            self.sections[name] = self.sections.get(name, b"") + bytes(data)
        self.relocations = sorted(filter(None, (self._relocation(r) for r in image.relocations)), key=repr)
        self.relocations = [r for r in self.relocations if not self._branch(*r)]
        for kind, place, *_ in self.relocations:
            self._mask(kind, *place)

    def _name(self, name: str) -> str:
        return _SECTION_NAMES.get(name, name) if self.image.format == "macho" else name

    def place(self, offset: int, *, end: bool = True) -> tuple[str, int] | None:
        """The section and the offset in it; the end of a section is still in it, if `end`."""
        for start, size, name in self.places:
            if start <= offset < start + size:
                return name, offset - start
        for start, size, name in self.places:
            if end and offset == start + size:
                return name, offset - start
        return None

    def _target(self, index: int | None, addend: int) -> Any:
        if index is None:
            return None
        symbol = self.image.symbols[index]
        if symbol.offset is None:
            return symbol.name, addend
        return self.place(symbol.offset + addend) or ("outside", symbol.name, addend)

    def _relocation(self, r: Any) -> Any:
        place = self.place(r.offset, end=False)
        if place is None:
            return None  # A slot of the global offset table, which the image adds.
        return r.type.name, place, self._target(r.symbol, r.addend), self._target(r.minus, 0)

    def _branch(self, kind: str, place: tuple[str, int], target: tuple[str, int], minus: None) -> bool:
        """Fill a branch inside a section: Mach-O has relocations of these where ELF has none."""
        if kind not in _BRANCHES or target[0] != place[0]:
            return False
        data = bytearray(self.sections[place[0]])
        apply(data, place[1], RelocationType[kind], target[1], place[1], 0)
        self.sections[place[0]] = bytes(data)
        return True

    def _mask(self, kind: str, section: str, offset: int) -> None:
        """The bits a relocation fills don't matter."""
        data = bytearray(self.sections[section])
        size = 8 if kind.endswith("64") and not kind.startswith(("LDST", "LD")) else 4
        if kind.startswith(("ABS", "PREL", "GOTREL", "PLT32", "GOTPCREL")):
            data[offset : offset + size] = bytes(size)
        else:
            word = int.from_bytes(data[offset : offset + 4], "little")
            mask = {"CALL26": 0x3FFFFFF, "JUMP26": 0x3FFFFFF}.get(kind, 0x3FFC00 if "LO12" in kind else 0x60FFFFE0)
            data[offset : offset + 4] = (word & ~mask).to_bytes(4, "little")
        self.sections[section] = bytes(data)

    def symbols(self) -> dict[str, Any]:
        """The named symbols of sections."""
        found = {}
        for symbol in self.image.symbols:
            if symbol.kind == "section" or not symbol.name.isprintable() or not symbol.name or not symbol.defined:
                continue
            if symbol.name.startswith(("ltmp", ".L", "l_", "L", "$")):
                continue
            place = self.place(symbol.offset) if symbol.offset is not None else symbol.absolute
            if place is not None:
                size = symbol.size if self.image.format != "macho" else 0
                found[symbol.name] = place, symbol.kind, symbol.binding, size
        return found


def _is_unwinding(name: str) -> bool:
    return name.startswith((".eh_frame", "__LD,", "__TEXT,__eh_frame", ".gcc_except", ".note", ".llvm", ".comment"))


def differences(text: str, data: bytes) -> Iterator[str]:
    """What our assembly of `text` and clang's object don't agree in."""
    clang, ours = View(load_image(data, "clang")), View(code_image(assemble(text), "ours", entry="\x02"))
    for name in sorted(clang.sections.keys() | ours.sections.keys()):
        expected, found = clang.sections.get(name), ours.sections.get(name)
        if expected is None or found is None:
            yield f"section {name}: only {'ours' if expected is None else 'of clang'}"
            continue
        if expected != found:
            at = next((i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), -1)
            shown = f"{expected[at & ~3 :][:4].hex()} / {found[at & ~3 :][:4].hex()}"
            yield f"section {name}: {len(expected)} / {len(found)} bytes, first difference at {at:#x}: {shown}"
    for relocation in clang.relocations:
        if relocation not in ours.relocations:
            yield f"relocation missing: {relocation}"
    for relocation in ours.relocations:
        if relocation not in clang.relocations:
            yield f"relocation too many: {relocation}"
    expected, found = clang.symbols(), ours.symbols()
    for name in sorted(expected.keys() | found.keys()):
        if name in expected and name in found and expected[name][1] == "notype":
            # A label in code that begins it, or is global, is taken for a function where nothing says what is.
            found[name] = found[name][0], "notype", *found[name][2:]
        if expected.get(name) != found.get(name):
            yield f"symbol {name}: {expected.get(name)} / {found.get(name)}"
