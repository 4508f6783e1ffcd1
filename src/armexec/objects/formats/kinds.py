"""Messages for files that are no AArch64 objects: their kind, and what to do instead."""

from __future__ import annotations

import struct

__all__ = ["refused_elf", "what_is"]

_AARCH64 = "compile for aarch64"
_KNOWN = (
    (b"!<arch>\n__.PKGDEF", "a Go package; Go's code can't be loaded"),
    (b"!<arch>\n", "a static library (ar archive) inside another"),
    (b"!<thin>\n", "a thin static library (ar archive), which only names its objects; load those"),
    (b"\xca\xfe\xba\xbf", "a universal Mach-O file; extract its arm64 part with lipo -thin arm64"),
    (b"\xce\xfa\xed\xfe", "a 32-bit Mach-O file"),
    (b"\xfe\xed\xfa\xcf", "a big-endian Mach-O file"),
    (b"\xfe\xed\xfa\xce", "a 32-bit big-endian Mach-O file"),
    (b"BC\xc0\xde", "LLVM bitcode; compile without -flto and -emit-llvm"),
    (b"\xde\xc0\x17\x0b", "LLVM bitcode; compile without -flto"),
    (b"; ModuleID", "LLVM's IR as text; make an object of it with clang -c"),
    (b"\0asm", f"a WebAssembly module; {_AARCH64}"),
    (b"MZ", "a Windows executable or library (PE); armexec loads relocatable objects for Linux and macOS"),
    (b"PK\3\4", "a ZIP archive; take the object out of it"),
    (b"\x1f\x8b", "compressed by gzip; gunzip it"),
    (b"\xfd7zXZ\0", "compressed by xz; unxz it"),
    (b"BZh", "compressed by bzip2; bunzip2 it"),
    (b"(\xb5/\xfd", "compressed by Zstandard; unzstd it"),
    (b"version https://git-lfs", "a pointer of Git LFS; git lfs pull brings the file itself"),
    (b"#!", "a script"),
    (b"/* GNU ld script", "a linker script, which only names libraries; load the one you want"),
)
_COFF = {0xAA64: "AArch64", 0xA641: "AArch64 (EC)", 0x8664: "x86-64", 0x14C: "x86", 0x1C4: "32-bit Arm"}
_MACHINES = {
    2: "SPARC",
    3: "x86",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC64",
    22: "S/390",
    40: "32-bit Arm",
    43: "SPARC64",
    62: "x86-64",
    83: "AVR",
    94: "Xtensa",
    183: "AArch64",
    224: "an AMD GPU",
    190: "an NVIDIA GPU",
    243: "RISC-V",
    247: "eBPF",
    258: "LoongArch",
}
_EM_AARCH64 = 183
_OBJECTS = "only relocatable objects (.o, made by -c) and shared libraries can be loaded"
_TYPES = {
    0: "without a type",
    1: "a relocatable object",
    2: "an executable",
    3: "a shared library",
    4: "a core dump",
}


def what_is(data: bytes) -> str:
    """A description of bytes that are neither an ELF nor a Mach-O object, as a part of a sentence."""
    if not data:
        return "empty"
    if data.startswith(b"\xca\xfe\xba\xbe"):
        # The number of processors of a Mach-O file, or the version of a Java class.
        if int.from_bytes(data[4:8], "big") < 40:
            return "a universal Mach-O file; extract its arm64 part with lipo -thin arm64"
        return "a Java class"
    found = next((text for magic, text in _KNOWN if data.startswith(magic)), "")
    if found:
        return found
    machine = int.from_bytes(data[:2], "little")
    if data.startswith(b"\0\0\xff\xff") and len(data) >= 8:
        machine = int.from_bytes(data[6:8], "little")  # of /bigobj, or a member of an import library
    if machine in _COFF and len(data) >= 20:
        return f"a Windows (COFF) object for {_COFF[machine]}; compile for Linux or macOS"
    begins = f"no ELF or Mach-O object; it begins with {data[:8].hex(' ')}"
    return f"{begins}, as text does: a source is compiled or assembled first" if _is_text(data[:512]) else begins


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8", "strict" if len(data) < 512 else "ignore")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\n\r\f\ufeff" for c in text)


def refused_elf(data: bytes, wanted: int) -> str:
    """The reason why an ELF file (64 bytes or more) is no ELF64 file for AArch64 of the `wanted` type; empty if it is
    one."""
    order = "big" if data[5] == 2 else "little"
    kind, machine = struct.unpack_from(">HH" if order == "big" else "<HH", data, 16)
    processor = _MACHINES.get(machine, f"machine {machine}")
    if data[4] not in (1, 2):
        return f"an ELF file of an unknown class ({data[4]})"
    if data[5] not in (1, 2):
        return f"an ELF file of an unknown byte order ({data[5]})"
    if machine != _EM_AARCH64:
        return f"an ELF file for {processor}, not AArch64; {_AARCH64}"
    if data[4] == 1:
        return "a 32-bit ELF file for AArch64 (ILP32); compile with -mabi=lp64"
    if order == "big":
        return "a big-endian ELF file; compile without -mbig-endian"
    return "" if kind == wanted else f"{_TYPES.get(kind, f'of type {kind}')}; {_OBJECTS}"
