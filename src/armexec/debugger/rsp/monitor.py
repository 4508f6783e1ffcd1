"""`monitor COMMAND` of gdb, and `process plugin packet monitor COMMAND` of lldb: what only sessions have."""

from __future__ import annotations

import re

from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.state import State
from armexec.errors import Error

__all__: list[str] = []

_HELP = """\
monitor time            how many instructions have been executed
monitor goto TIME       go to a time; then say `flushregs` (gdb), so that it looks again
monitor last REGISTER|ADDRESS|SYMBOL
                        go to the last instruction that wrote it; then `flushregs`
"""


@command("qRcmd,")
def monitor(state: State, rest: bytes) -> bytes:
    try:
        words = bytes.fromhex(rest.decode()).decode().split()
    except ValueError:
        return b"E01"
    try:
        text = _answer(state, words)
    except Error as error:
        text = f"{error}\n"
    return text.encode().hex().encode()


def _answer(state: State, words: list[str]) -> str:
    session = state.session
    if words in (["time"], ["instructions"]):
        return f"{session.time}\n"
    if len(words) == 2 and words[0] == "goto" and words[1].isdigit():
        session.goto(int(words[1]))
        return f"time {session.time}: {session.place}\n"
    if len(words) == 2 and words[0] == "last":
        number = re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", words[1])
        time = session.last_write(int(words[1], 0) if number else words[1])
        if time is None:
            return f"nothing has written {words[1]} before\n"
        session.goto(time)
        return f"time {session.time}: {session.place}\n"
    return _HELP
