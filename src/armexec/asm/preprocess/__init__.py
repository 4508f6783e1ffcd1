"""Source lines into the lines that are assembled: macros, repetitions, conditions and included files.

- `frames`: the stack of the texts that are being read, and the limits that keep an expansion from never ending.
- `macros`, `arguments`, `substitution`: definitions, the arguments of an invocation, and the body with these in place.
- `repeats`: `.rept`, `.irp`, `.irpc`.
- `conditions`: `.if` and its relatives.
- `files`: the files that `.include` and `.incbin` read.
- `context`: the state that all of these share.
- `directives`: the table of all of these by name.

Everything works on text, as in GNU as and in clang: a body is lines, and its arguments are put into the text.
"""

from __future__ import annotations

from armexec.asm.preprocess.context import PreprocessContext
from armexec.asm.preprocess.directives import PREPROCESSING
from armexec.asm.preprocess.frames import Frame

__all__ = ["PREPROCESSING", "Frame", "PreprocessContext"]
