"""System calls of native code, done by Python: the processor would leave `svc` to the host's system.

When an image is loaded, a branch to a veneer behind the image takes the place of each `svc`:

    str x30, [sp, #-16]!
    bl system_call
    ldr x30, [sp], #16
    b                               // to after the svc

`system_call` calls a host function with X0 to X5 and X8 as they are, and in X6 the veneer's address plus 8. All
registers but X0 are preserved, as the system preserves them. Its words are those of this text:

    system_call:
        sub sp, sp, #688
        stp x0, x1, [sp]
        stp x2, x3, [sp, #16]
        stp x4, x5, [sp, #32]
        stp x6, x7, [sp, #48]
        stp x8, x9, [sp, #64]
        stp x10, x11, [sp, #80]
        stp x12, x13, [sp, #96]
        stp x14, x15, [sp, #112]
        stp x16, x17, [sp, #128]
        stp x18, x30, [sp, #144]
        mrs x9, nzcv
        mrs x10, fpsr
        stp x9, x10, [sp, #160]
        stp q0, q1, [sp, #176]
        stp q2, q3, [sp, #208]
        stp q4, q5, [sp, #240]
        stp q6, q7, [sp, #272]
        stp q8, q9, [sp, #304]
        stp q10, q11, [sp, #336]
        stp q12, q13, [sp, #368]
        stp q14, q15, [sp, #400]
        stp q16, q17, [sp, #432]
        stp q18, q19, [sp, #464]
        stp q20, q21, [sp, #496]
        stp q22, q23, [sp, #528]
        stp q24, q25, [sp, #560]
        stp q26, q27, [sp, #592]
        stp q28, q29, [sp, #624]
        stp q30, q31, [sp, #656]
        mov x6, x30
        ldr x16, host_function
        blr x16
        str x0, [sp]
        ldp q0, q1, [sp, #176]
        ldp q2, q3, [sp, #208]
        ldp q4, q5, [sp, #240]
        ldp q6, q7, [sp, #272]
        ldp q8, q9, [sp, #304]
        ldp q10, q11, [sp, #336]
        ldp q12, q13, [sp, #368]
        ldp q14, q15, [sp, #400]
        ldp q16, q17, [sp, #432]
        ldp q18, q19, [sp, #464]
        ldp q20, q21, [sp, #496]
        ldp q22, q23, [sp, #528]
        ldp q24, q25, [sp, #560]
        ldp q26, q27, [sp, #592]
        ldp q28, q29, [sp, #624]
        ldp q30, q31, [sp, #656]
        ldp x9, x10, [sp, #160]
        msr nzcv, x9
        msr fpsr, x10
        ldp x18, x30, [sp, #144]
        ldp x16, x17, [sp, #128]
        ldp x14, x15, [sp, #112]
        ldp x12, x13, [sp, #96]
        ldp x10, x11, [sp, #80]
        ldp x8, x9, [sp, #64]
        ldp x6, x7, [sp, #48]
        ldp x4, x5, [sp, #32]
        ldp x2, x3, [sp, #16]
        ldp x0, x1, [sp]
        add sp, sp, #688
        ret
        .balign 8
    host_function: .quad 0
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from armexec.callbacks import SystemCallHandler
from armexec.cpu.call_frame import CallFrame
from armexec.errors import HostError
from armexec.memory import page_size
from armexec.objects import Image

__all__ = ["WORDS", "SystemCalls", "find_system_calls"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

WORDS = """
    ffc30ad1 e00700a9 e20f01a9 e41702a9 e61f03a9 e82704a9 ea2f05a9 ec3706a9 ee3f07a9 f04708a9 f27b09a9 09423bd5
    2a443bd5 e92b0aa9 e08705ad e28f06ad e49707ad e69f08ad e8a709ad eaaf0aad ecb70bad eebf0cad f0c70dad f2cf0ead
    f4d70fad f6df10ad f8e711ad faef12ad fcf713ad feff14ad e6031eaa 70040058 00023fd6 e00300f9 e08745ad e28f46ad
    e49747ad e69f48ad e8a749ad eaaf4aad ecb74bad eebf4cad f0c74dad f2cf4ead f4d74fad f6df50ad f8e751ad faef52ad
    fcf753ad feff54ad e92b4aa9 09421bd5 2a441bd5 f27b49a9 f04748a9 ee3f47a9 ec3746a9 ea2f45a9 e82744a9 e61f43a9
    e41742a9 e20f41a9 e00740a9 ffc30a91 c0035fd6 1f2003d5 00000000 00000000
"""
_SVC = re.compile(rb"(?=[\x01\x21\x41\x61\x81\xa1\xc1\xe1][\x00-\xff][\x00-\x1f]\xd4)", re.DOTALL)
"""`svc`, at any offset (Arm ARM C6.2.411)."""
_SAVE_LINK, _LOAD_LINK = 0xF81F0FFE, 0xF84107FE
_B, _BL = 0x14000000, 0x94000000
_REACH = 1 << 27
_VENEER_SIZE = 16


def find_system_calls(image: Image) -> SystemCalls | None:
    """What does the system calls of an image's code; None if it makes none.

    Raises:
        HostError: it can't be told which words are `svc`, or they are too far from the image's end.
    """
    found = dict(_instructions(image))
    if not found:
        return None
    if image.format == "elf" and not image.marks:
        why = "no mapping symbols tell which words are instructions (is it stripped?)"
    elif image.size + len(found) * _VENEER_SIZE > _REACH - 2 * page_size():
        why = f"the image has more than {_REACH >> 20} MiB"
    else:
        return SystemCalls(image, found)
    raise HostError(
        f'{image.name} makes system calls, which engine="native" can\'t keep from the system of this host: {why};'
        ' use engine="translated"'
    )


def _instructions(image: Image) -> Iterator[tuple[int, int]]:
    """The offset and word of each `svc`."""
    for segment in image.segments:
        if not segment.executable:
            continue
        data = image.data_ranges(segment.offset, segment.offset + len(segment.data))
        for match in _SVC.finditer(segment.data):
            at = match.start()
            offset = segment.offset + at
            if not offset % 4 and not any(begin <= offset < end for begin, end in data):
                yield offset, int.from_bytes(segment.data[at : at + 4], "little")


class SystemCalls:
    """A host function that does the system calls of an image.

    `base` is where that was placed, `handler` what does them; without one they are errors.
    """

    def __init__(self, image: Image, words: dict[int, int]) -> None:
        self.base = 0
        self.handler: SystemCallHandler | None = None
        self._image = image
        self._words = words
        self._sites = sorted(words)
        self._veneers = -(-image.size // page_size()) * page_size()

    @property
    def words(self) -> Mapping[int, int]:
        """The words of the calls by address."""
        return {self.base + site: word for site, word in self._words.items()}

    def patches(self, address: int) -> list[tuple[int, bytes]]:
        """What is to be written into the image, and behind it, as offsets and bytes; for this function's address."""
        code = bytes.fromhex(WORDS)[:-8] + address.to_bytes(8, "little")
        routine = self._veneers + len(self._sites) * _VENEER_SIZE
        made = [(routine, code)]
        for i, site in enumerate(self._sites):
            veneer = self._veneers + i * _VENEER_SIZE
            words = (
                _SAVE_LINK,
                _branch(_BL, veneer + 4, routine),
                _LOAD_LINK,
                _branch(_B, veneer + 12, site + 4),
            )
            made.append((veneer, b"".join(word.to_bytes(4, "little") for word in words)))
            made.append((site, _branch(_B, site, veneer).to_bytes(4, "little")))
        return made

    def __call__(self, frame: CallFrame) -> None:
        site = self._sites[(frame.x[6] - self.base - self._veneers) // _VENEER_SIZE]
        word, pc = self._words[site], self.base + site
        immediate = word >> 5 & 0xFFFF
        if self.handler is None or immediate:
            # Only now: it imports the whole instruction set.
            from armexec.engines.faults import to_error
            from armexec.machines.traps import Trap, TrapKind

            trap = Trap(TrapKind.SUPERVISOR_CALL, pc, immediate)
            raise to_error(trap, self._image, self.base, word_at=lambda _: word)
        frame.x[0] = self.handler(pc, frame.x[8], tuple(frame.x[:6])) & (1 << 64) - 1


def _branch(opcode: int, pc: int, target: int) -> int:
    return opcode | (target - pc) >> 2 & 0x3FFFFFF
