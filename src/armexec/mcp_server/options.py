"""The compiler's options that a client may give: those that neither read nor write files, nor load code."""

from __future__ import annotations

import re
import shlex

from armexec.errors import CompileError

__all__ = ["checked_options"]

_ALLOWED = re.compile(
    r"-(?:O[0-3sgz]|Ofast|std=[\w+]+|[DU]\w+(?:=.*)?|W[a-z][\w+=-]*|w|g|pedantic(?:-errors)?|ansi"
    r"|m[a-z][\w+=,.-]*|f[a-z][\w+=,-]*)",
    re.DOTALL,
)
# These write files or load code by a name that has no path; -mllvm takes options of all kinds.
_REFUSED = re.compile(
    r"-(?:mllvm|m(?:relax|link).*|f(?:plugin|pass-plugin|modules?|implicit-module|time-trace|save-|dump|stack-usage"
    r"|callgraph-info|profile|auto-profile|test-coverage|coverage|crash|proc-stat|record|optimization-record|sanitize"
    r"|xray|memory-profile|cs-profile|diagnostics-(?:format|add-output|set-output)|lto|use-ld|embed|syntax-only"
    r"|opt-info|randomize-layout|prebuilt|build-session|load-|emit|integrated-cc1|no-integrated).*)"
)


def checked_options(options: str) -> str:
    """Options such as "-O2 -Wall -std=c++20", as they were given.

    Raises:
        CompileError: one is none of those that can be given.
    """
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise CompileError(f"can't read the options {options!r:.80}: {error}") from None
    for word in words:
        if not _ALLOWED.fullmatch(word) or _REFUSED.fullmatch(word):
            raise CompileError(
                f"the option {word!r:.60} can't be given here: -O, -std=, -D, -U, -W, -g, -m and -f can, as far as they"
                " neither name files nor load code"
            )
    return options
