"""Source lines into the lines that are assembled: macros, repetitions, conditions and included files.

- `frames`: the stack of what is being read, and the limits that keep an expansion from never ending.
- `macros`, `arguments`, `substitution`: definitions, what an invocation gives, and the body with that in place.
- `repeats`: `.rept`, `.irp`, `.irpc`.
- `conditions`: `.if` and its relatives.
- `files`: what `.include` and `.incbin` read.
- `directives`: the table of all of these by name.

Everything works on text, as in GNU as and in clang: a body is lines, and its arguments are put into the text.
"""

from __future__ import annotations

from armexec.asm.preprocess.arguments import Evaluate
from armexec.asm.preprocess.conditions import Conditions
from armexec.asm.preprocess.directives import PREPROCESSING
from armexec.asm.preprocess.frames import Frame, Source
from armexec.asm.preprocess.macros import Macro, Macros

__all__ = ["PREPROCESSING", "Conditions", "Evaluate", "Frame", "Macro", "Macros", "Source"]
