"""Decoding, disassembling and assembling from Python: armexec beside Capstone and Keystone, in one run.

    python benchmarks/isa_throughput.py [--json]

The code is what clang makes of tests/corpus at -O2. `cold` is the first time armexec sees an instruction's text or
word, `warm` every later one: it remembers them. Times are of the processor. Keystone runs on one function after the
other, in a process of its own, because it crashes on some text that clang prints.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import capstone

from armexec.asm import assemble
from armexec.disasm import disassemble
from armexec.isa import decode
from armexec.objects import load_image
from armexec.toolchain import compile_assembly, compile_object

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "corpus"
FLAGS = ("-mgeneral-regs-only", "-ffreestanding", "-mno-outline-atomics")
# What Keystone 0.9 has no name for, or crashes on; none of it makes an instruction.
_NOT_FOR_KEYSTONE = re.compile(r"\s*\.(?!LBB|Lfunc|Ltmp|L\w+:)|\s*//|\s*$")


def corpus() -> tuple[list[str], list[int]]:
    """The assembly texts, and the words of all of them."""
    texts, words = [], []
    for path in sorted(CORPUS.glob("*.c")):
        source = path.read_text()
        options: dict[str, Any] = {"language": "c", "opt": "-O2", "target": "linux", "flags": FLAGS, "debug": False}
        texts.append(compile_assembly(source, **options))
        image = load_image(compile_object(source, **options).data)
        text = next(s for s in image.sections if s.name == ".text")
        data = image.segments[0].data[text.offset : text.offset + text.size]
        words += [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    return texts, words


def functions(text: str) -> list[str]:
    """The functions of a text whose branches stay inside, without directives: what Keystone understands too."""
    found = []
    for part in re.split(r"^(?=\w+:)", text, flags=re.MULTILINE)[1:]:
        lines = [line.partition("//")[0] for line in part.splitlines() if not _NOT_FOR_KEYSTONE.match(line)]
        body = "\n".join(lines)
        labels = set(re.findall(r"^([\w.]+):", body, re.MULTILINE))
        used = set(re.findall(r"(?:\bb|b\.\w+|\bbl|[ct]bn?z)\s+(?:[wx]\w+, )?(?:#\d+, )?([._A-Za-z]\w*)", body))
        if used <= labels and not re.search(r":\w+:|\badr", body):
            found.append(body)
    return found


def microseconds(run: Callable[[], Any], count: int, repeat: int = 5) -> float:
    """The time of the fastest run for each of `count` instructions."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def _keystone(texts: list[str], pipe: Any) -> None:
    import keystone

    engine = keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)
    for text in texts:
        start = time.process_time()
        try:
            words = len(engine.asm(text, as_bytes=True)[0] or b"") // 4
        except keystone.KsError:
            words = 0
        pipe.send((words, time.process_time() - start))
    pipe.send(None)


def keystone_times(texts: list[str]) -> list[tuple[int, float]]:
    """For each text the instructions assembled (0 where Keystone can't) and the seconds taken."""
    results: list[tuple[int, float]] = []
    while len(results) < len(texts):
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=_keystone, args=(texts[len(results) :], sender))
        process.start()
        sender.close()
        try:
            while (result := receiver.recv()) is not None:
                results.append(result)
        except EOFError:
            results.append((0, 0.0))
        process.join()
    return results


def measure() -> dict[str, float]:
    """Microseconds for each instruction."""
    texts, words = corpus()
    data = b"".join(word.to_bytes(4, "little") for word in words)
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    parts = [part for text in texts for part in functions(text)]
    keystone = keystone_times(parts)
    both = [part for part, (count, _) in zip(parts, keystone, strict=True) if count]
    count = sum(count for count, _ in keystone)
    return {
        "disassemble, armexec cold": microseconds(lambda: disassemble(words), len(words), 1),
        "disassemble, armexec warm": microseconds(lambda: disassemble(words), len(words)),
        "disassemble, Capstone": microseconds(
            lambda: [(i.mnemonic, i.op_str) for i in engine.disasm(data, 0)], len(words)
        ),
        "decode, armexec": microseconds(lambda: [decode(word) for word in words], len(words)),
        "assemble, armexec cold": microseconds(lambda: [assemble(part) for part in both], count, 1),
        "assemble, armexec warm": microseconds(lambda: [assemble(part) for part in both], count),
        "assemble, Keystone": sum(seconds for _, seconds in keystone) / count * 1e6,
        "assemble whole files, armexec warm": microseconds(lambda: [assemble(text) for text in texts], len(words)),
    }


def main() -> None:
    figures = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:40} {value:8.2f} us an instruction")


if __name__ == "__main__":
    main()
