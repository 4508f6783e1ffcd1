"""A small shell for sessions, with gdb's names for its commands."""

from __future__ import annotations

import cmd
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.cli.stepping import Listing
    from armexec.cpu import Stop
    from armexec.debugger import Session
    from armexec.debugger.changes import Step

__all__ = ["Shell"]


def _float(value: int, size: int) -> str:
    import struct

    forms = {2: "<e", 4: "<f", 8: "<d"}
    if size not in forms:
        raise ValueError("floats have the sizes h, w and g")
    return repr(struct.unpack(forms[size], value.to_bytes(size, "little"))[0])


_FORMATS: dict[str, Callable[[int, int], str]] = {
    "x": lambda value, size: f"0x{value:0{2 * size}x}",
    "u": lambda value, size: f"{value}",
    "d": lambda value, size: f"{value - (1 << 8 * size) if value >> 8 * size - 1 else value}",
    "t": lambda value, size: f"{value:0{8 * size}b}",
    "c": lambda value, size: repr(chr(value & 0xFF)),
    "f": _float,
}
_SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
_SHORT = {
    "s": "step",
    "si": "step",
    "stepi": "step",
    "n": "next",
    "ni": "next",
    "nexti": "next",
    "b": "break",
    "c": "continue",
    "r": "continue",
    "run": "continue",
    "rc": "reverse",
    "reverse-continue": "reverse",
    "rs": "back",
    "reverse-stepi": "back",
    "reverse-step": "back",
    "fin": "finish",
    "p": "print",
    "bt": "backtrace",
    "where": "backtrace",
    "i": "info",
    "d": "delete",
    "q": "quit",
    "l": "list",
    "disas": "list",
    "h": "help",
}


class Shell(cmd.Cmd):
    """Reads commands, and shows where the session is after each.

    Ctrl-C stops what runs, and the session stays.
    """

    prompt = "(armexec) "
    doc_header = "Commands (an empty line repeats the last one):"

    def __init__(self, session: Session, listing: Listing) -> None:
        super().__init__()
        self._session = session
        self._listing = listing
        self._watches: list[Any] = []
        self.use_rawinput = sys.stdin.isatty()
        if not self.use_rawinput:
            self.prompt = ""

    def loop(self) -> int:
        """Read commands until `quit` or the end of the input; the exit status for the command."""
        self._listing.here()
        while True:
            try:
                self.cmdloop()
                return 0
            except KeyboardInterrupt:
                self._say("interrupted")
                self._listing.here()

    def onecmd(self, line: str) -> bool:
        name, _, rest = line.strip().partition(" ")
        examine = re.fullmatch(r"(x|p|print)/(\w+)", name)
        if examine:
            name, rest = {"x": "x", "p": "print", "print": "print"}[examine[1]], f"/{examine[2]} {rest}"
        name = _SHORT.get(name, name)
        try:
            return bool(super().onecmd(f"{name} {rest}".strip()))
        except Error as error:
            self._say(str(error))
        except (ValueError, NameError, SyntaxError, TypeError) as error:
            self._say(f"{type(error).__name__}: {error}")
        return False

    def default(self, line: str) -> None:
        if line == "EOF":
            raise EOFError
        self._say(f"there is no command {line.partition(' ')[0]!r}: help lists them")

    def do_EOF(self, _: str) -> bool:
        return True

    def get_names(self) -> list[str]:
        return [name for name in dir(type(self)) if name != "do_EOF"]

    def _say(self, text: str) -> None:
        self._listing.console.print(text, markup=False)

    def _stopped(self, stop: Stop) -> None:
        if not self._session.finished:
            self._say(str(stop))
        if self._session.error is not None:
            self._say(str(self._session.error))
        self._listing.here()

    # -- going on -----------------------------------------------------------------------------------------------------
    def do_step(self, rest: str) -> None:
        """step [N]: execute N instructions (s, si)."""
        self._steps(_number(rest, 1), self._session.step)

    def do_next(self, rest: str) -> None:
        """next [N]: execute N instructions, and all of a call if one calls (n, ni)."""
        self._steps(_number(rest, 1), self._session.next)

    def _steps(self, count: int, execute: Callable[[], Step]) -> None:
        for _ in range(count):
            step = execute()
            if step.end > step.begin:
                self._listing.step(step)
            if step.stop is not None:
                self._stopped(step.stop)
                return
        self._listing.here()

    def do_continue(self, rest: str) -> None:
        """continue [PLACE]: go on to the next breakpoint, watched access or end; or to a place (c)."""
        self._stopped(self._session.run(self._place(rest) if rest else None))

    def do_finish(self, _: str) -> None:
        """finish: go on until the function that is running has returned."""
        self._stopped(self._session.finish())

    def do_back(self, rest: str) -> None:
        """back [N]: go back by N instructions (rs, reverse-stepi)."""
        self._session.back(_number(rest, 1))
        self._listing.here()

    def do_reverse(self, _: str) -> None:
        """reverse: go back to the last breakpoint or watched access, else to the beginning (rc, reverse-continue)."""
        self._stopped(self._session.run_back())

    def do_goto(self, rest: str) -> None:
        """goto TIME: go to a time: how many instructions were executed before."""
        self._session.goto(_number(rest, 0))
        self._listing.here()

    def do_last(self, rest: str) -> None:
        """last REGISTER|ADDRESS|SYMBOL: go back to the last instruction that wrote it."""
        what: Any = rest.strip()
        if re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", what):
            what = int(what, 0)
        time = self._session.last_write(what)
        if time is None:
            self._say(f"nothing has written {rest.strip()} before")
            return
        self._session.goto(time)
        self._listing.here()

    # -- stopping -----------------------------------------------------------------------------------------------------
    def do_break(self, rest: str) -> None:
        """break PLACE [if CONDITION]: stop before an address, function or file:line (b); registers have their names in
        conditions: break square if w0 == 3"""
        where, _, condition = rest.partition(" if ")
        made = self._session.breakpoints.add(self._place(where), condition.strip() or None)
        self._say(f"{len(self._session.breakpoints)}: {made}")

    def do_watch(self, rest: str) -> None:
        """watch ADDRESS|SYMBOL [SIZE] [r|w|rw]: stop after each instruction that accesses these bytes (8, w)."""
        words = rest.split()
        if not words:
            self._say("watch what?")
            return
        mode = words.pop() if words[-1] in ("r", "w", "rw") else "w"
        size = int(words.pop(), 0) if len(words) > 1 else 8
        try:
            place = self._value(words[0])
        except (NameError, SyntaxError):
            place = self._place(words[0])
        watch = self._session.watch(place, size, mode)
        self._watches.append(watch)
        self._say(repr(watch))

    def do_delete(self, rest: str) -> None:
        """delete [N]: take away breakpoint N, or all breakpoints and watched bytes."""
        points = list(self._session.breakpoints)
        if rest.strip():
            number = _number(rest, 0)
            if not 0 < number <= len(points):
                self._say(f"there is no breakpoint {number}")
                return
            points[number - 1].remove()
            return
        self._session.breakpoints.clear()
        for watch in self._watches:
            watch.remove()
        self._watches.clear()

    # -- looking ------------------------------------------------------------------------------------------------------
    def do_print(self, rest: str) -> None:
        """print[/FORMAT] EXPRESSION: an expression of Python, in which registers have their names: print/x x0 + 8 (p);
        FORMAT is x, d, u, t or c. `print x0 = 5` sets a register."""
        form, text = _format(rest)
        assigned = re.fullmatch(r"\s*\$?([a-z]+)(\d*)\s*=\s*([^=].*)", text)
        if assigned:
            self._set(assigned[1], assigned[2], self._value(assigned[3]))
            return
        value = self._value(text)
        self._say(_FORMATS[form[0]](value & (1 << 64) - 1, 8) if form and isinstance(value, int) else repr(value))

    def _set(self, kind: str, number: str, value: Any) -> None:
        cpu = self._session.cpu
        if number and kind in ("x", "w"):
            getattr(cpu, kind)[int(number)] = value
        elif number and kind in ("d", "s", "h", "q"):
            setattr(cpu.v[int(number)], kind, value)
        elif not number and kind in ("sp", "pc", "nzcv", "fpcr", "fpsr"):
            setattr(cpu, kind, value)
        else:
            raise NameError(f"there is no register {kind}{number}")

    def do_x(self, rest: str) -> None:
        """x/NFU ADDRESS: N units of memory, each of size U (b, h, w, g) in format F (x, d, u, t, c, f, i, s):
        x/4xw sp"""
        form, text = _format(rest)
        count, letter, size = _examined(form)
        address = self._value(text)
        if not isinstance(address, int):
            raise TypeError("an address is an integer")
        memory = self._session.memory
        if letter == "s":
            data = b""
            while b"\0" not in data and len(data) < 4096:
                data += memory.read(address + len(data), 1)
            self._say(f"0x{address:x}: {data.partition(bytes(1))[0].decode('utf-8', 'backslashreplace')!r}")
            return
        if letter == "i":
            for n in range(count):
                instruction = self._session.instruction_at(address + 4 * n)
                self._say(f"0x{address + 4 * n:x}: {instruction.text if instruction is not None else '(no code)'}")
            return
        data = memory.read(address, count * size)
        values = [int.from_bytes(data[n : n + size], "little") for n in range(0, len(data), size)]
        per_line = max(16 // size, 1)
        for n in range(0, count, per_line):
            shown = "  ".join(_FORMATS[letter](value, size) for value in values[n : n + per_line])
            self._say(f"0x{address + n * size:x}: {shown}")

    def do_info(self, rest: str) -> None:
        """info registers|breakpoints|threads|line|time: what there is (i r, i b, i th)."""
        what = rest.strip() or "registers"
        session = self._session
        if "registers".startswith(what.split()[0]):
            self._registers(what.split()[1:])
        elif "breakpoints".startswith(what):
            for number, point in enumerate(session.breakpoints, 1):
                self._say(f"{number}: {point}")
            for watch in self._watches:
                self._say(repr(watch))
        elif "line".startswith(what):
            self._say(f"{session.place}")
        elif "time".startswith(what):
            self._say(f"{session.time}")
        elif "threads".startswith(what):
            for thread in session.threads:
                self._say(f"{'*' if thread.runs else ' '} {thread}")
        else:
            self._say("info registers, breakpoints, threads, line or time")

    def _registers(self, names: list[str]) -> None:
        cpu = self._session.cpu
        if names:
            for name in names:
                value = self._value(name)
                self._say(f"{name:<5} 0x{value:x}  {value}" if isinstance(value, int) else f"{name:<5} {value}")
            return
        rows = [(f"x{n}", value) for n, value in enumerate(cpu.x)] + [("sp", cpu.sp), ("pc", cpu.pc)]
        for n in range(0, len(rows), 3):
            self._say("  ".join(f"{name:<3} 0x{value:<16x}" for name, value in rows[n : n + 3]).rstrip())
        flags = "".join(flag if cpu.nzcv >> 3 - n & 1 else flag.lower() for n, flag in enumerate("NZCV"))
        self._say(f"nzcv {flags}")

    def do_backtrace(self, rest: str) -> None:
        """backtrace [THREAD]: the functions that are running, the innermost first (bt)."""
        wanted = _number(rest, self._session.thread)
        found = [thread for thread in self._session.threads if thread.number == wanted]
        if not found:
            self._say(f"there is no thread {wanted}: info threads shows them")
        for thread in found:
            for number, frame in enumerate(thread.backtrace):
                self._say(f"#{number}  {frame}")

    def do_list(self, rest: str) -> None:
        """list [N]: the next N instructions in memory (l, disas)."""
        pc = self._session.cpu.pc
        for n in range(_number(rest, 8)):
            instruction = self._session.instruction_at(pc + 4 * n)
            if instruction is None:
                return
            self._say(f"{'→' if not n else ' '} 0x{pc + 4 * n:x}: {instruction.text}")

    def do_quit(self, _: str) -> bool:
        """quit: end the session (q)."""
        return True

    def _value(self, text: str) -> Any:
        text = re.sub(r"\$(\w+)", r"\1", text).strip()
        if not text:
            raise ValueError("an expression is missing")
        return self._session.evaluate(text)

    def _place(self, text: str) -> Any:
        """An address, or the name of a place."""
        text = text.strip().lstrip("*")
        return int(text, 0) if re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", text) else text


def _number(text: str, default: int) -> int:
    return int(text, 0) if text.strip() else default


def _format(rest: str) -> tuple[str, str]:
    """The format behind a slash, and what follows it."""
    found = re.match(r"/(\w+)\s*(.*)", rest)
    if found is None:
        return "", rest
    return found[1], found[2]


def _examined(form: str) -> tuple[int, str, int]:
    """The count, letter and size of a format such as 4xw."""
    found = re.fullmatch(r"(\d*)([a-z]*)", form)
    count, letters = (int(found[1] or 1), found[2]) if found else (1, "")
    letter = next((c for c in letters if c in "xdutcfis"), "x")
    size = next((_SIZES[c] for c in letters if c in _SIZES), 1 if letter == "c" else 8)
    if letter not in (*_FORMATS, "i", "s"):
        raise ValueError(f"there is no format {form!r}")
    return count, letter, size
