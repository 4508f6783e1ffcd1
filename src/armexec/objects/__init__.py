"""ELF and Mach-O objects, and assembled code, as images that can be placed at any address."""

from __future__ import annotations

from armexec.objects.debug_info.assembly_lines import AssemblyLines
from armexec.objects.debug_info.source_line import SourceLine
from armexec.objects.image import FunctionSymbol, Image, Resolve
from armexec.objects.layout import (
    ABSOLUTE,
    PAGE,
    PlacedSection,
    Reference,
    Relocation,
    Section,
    SectionSymbol,
    Segment,
    Symbol,
)
from armexec.objects.linking import Part
from armexec.objects.load import link, link_files, load_file, load_image, read_parts
from armexec.objects.prototypes import CType, Field, Parameter, Prototype
from armexec.objects.read import read_part
from armexec.objects.relocations import RelocationType
from armexec.objects.static_library import StaticLibrary

__all__ = [
    "ABSOLUTE",
    "PAGE",
    "AssemblyLines",
    "CType",
    "Field",
    "FunctionSymbol",
    "Image",
    "Parameter",
    "Part",
    "PlacedSection",
    "Prototype",
    "Reference",
    "Relocation",
    "RelocationType",
    "Resolve",
    "Section",
    "SectionSymbol",
    "Segment",
    "SourceLine",
    "StaticLibrary",
    "Symbol",
    "link",
    "link_files",
    "load_file",
    "load_image",
    "read_part",
    "read_parts",
]
