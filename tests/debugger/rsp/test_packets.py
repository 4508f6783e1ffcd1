"""Each kind of packet, as gdb and lldb send it."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.debugger.rsp.framing import PacketReader, escaped, packet
from debugger.test_threads import OUTPUT, SPINS

from .client import Client

SOURCE = """
int total;
static __attribute__((noinline)) int square(int x) { return x * x; }
int squares(int n) {
    int s = 0;
    for (int i = 1; i <= n; i++) { s += square(i); total = s; }
    return s;
}
int endless(int n) { for (;;) n++; return n; }
int load(int *p) { return *p; }
int twice(int (*f)(int), int x) { return f(f(x)); }
"""


@pytest.fixture(scope="module")
def mod() -> Iterator[Any]:
    with armexec.compile(SOURCE, language="c", opt="-O0", flags="-g") as module:
        yield module


@pytest.fixture
def session(mod: Any) -> Iterator[Any]:
    with armexec.debug(mod.squares, 3) as session:
        yield session


@pytest.fixture
def client(session: Any) -> Iterator[Client]:
    with Client(session) as client:
        yield client


def _register(client: Client, number: int) -> int:
    return int.from_bytes(bytes.fromhex(client.ask(f"p{number:x}").decode()), "little")


def test_the_beginning(client: Client, mod: Any) -> None:
    assert b"ReverseStep+" in client.ask("qSupported:multiprocess+;swbreak+")
    assert client.ask("QStartNoAckMode") == b"OK"
    assert client.ask("vMustReplyEmpty") == b""
    assert client.ask("whatever") == b""
    stop = client.ask("?")
    assert stop.startswith(b"T05thread:p1.1;")
    assert b"20:" + mod.squares.address.to_bytes(8, "little").hex().encode() in stop
    assert client.ask("qC") == b"QCp1.1"
    assert client.ask("qfThreadInfo") == b"mp1.1"
    assert client.ask("qsThreadInfo") == b"l"
    assert client.ask("Hg0") == b"OK"
    assert client.ask("qAttached") == b"1"
    assert bytes.fromhex(client.ask("qThreadExtraInfo,p1.1").decode()) == b"squares"


def test_packets_are_acknowledged_until_that_is_switched_off(client: Client) -> None:
    client.send(b"$qC#00")
    client.send(packet(b"qC"))
    assert client.answer() == b"QCp1.1"
    # A minus for the first, a plus for the second, and nothing for the third.
    client.ask("QStartNoAckMode")
    assert client.ask("qC") == b"QCp1.1"


def test_registers(client: Client, session: Any) -> None:
    root = ElementTree.fromstring(client.ask("qXfer:features:read:target.xml:0,10000")[1:].decode().split("\n", 2)[2])
    sizes = [int(register.get("bitsize", "0")) // 8 for register in root.iter("reg")]
    everything = client.ask("g")
    assert len(everything) == 2 * sum(sizes)
    assert _register(client, 0) == 3
    assert client.ask("P0=0500000000000000") == b"OK"
    assert session.cpu.x[0] == 5
    assert client.ask("P21=000000f0") == b"OK"
    assert session.cpu.nzcv == 15
    assert client.ask(b"G" + everything) == b"OK"
    assert (session.cpu.x[0], session.cpu.nzcv) == (3, 0)
    for wrong in ("p99", "pzz", "P0=05", "P0=xx", "P99=00", "Gxx"):
        assert client.ask(wrong) == b"E01"


def test_memory(client: Client, mod: Any, session: Any) -> None:
    total = mod.globals.address("total")
    assert client.ask(f"M{total:x},4:04030201") == b"OK"
    assert session.memory.read(total, 4) == b"\4\3\2\1"
    assert client.ask(f"m{total:x},4") == b"04030201"
    assert client.ask(b"X%x,4:" % total + escaped(b"}$#*")) == b"OK"
    assert client.ask(f"x{total:x},4") == escaped(b"}$#*")
    assert client.ask("m0,8") == b"E14"
    assert client.ask("M0,1:00") == b"E14"
    for wrong in ("m", "mzz,1", "M0", f"M{total:x},4:00", "x"):
        assert client.ask(wrong)[:1] == b"E"
    place = int(client.ask("_M1000,rw"), 16)
    assert client.ask(f"M{place:x},2:abcd") == b"OK"
    assert client.ask(f"_m{place:x}") == b"OK"
    assert client.ask(f"_m{place:x}") == b"E01"


def test_breakpoints_and_steps(client: Client, mod: Any, session: Any) -> None:
    square = mod["square"].address
    assert client.ask(f"Z0,{square:x},4") == b"OK"
    assert b"swbreak:;" in client.ask("vCont;c")
    assert session.cpu.pc == square
    time = session.time
    assert client.ask("vCont;s:p1.1").startswith(b"T05")
    assert session.time == time + 1
    assert client.ask("s").startswith(b"T05")
    assert client.ask("bs").startswith(b"T05")
    assert session.time == time + 1
    assert b"swbreak:;" in client.ask("bc")
    assert session.time == time
    assert b"replaylog:begin;" in client.ask("bc")
    assert b"replaylog:begin;" in client.ask("bs")
    assert client.ask(f"z0,{square:x},4") == b"OK"
    assert client.ask(f"vCont;r{mod.squares.address:x},{mod.squares.address + 12:x}").startswith(b"T05")
    assert session.cpu.pc == mod.squares.address + 12
    assert client.ask("c") == b"W00"
    assert session.result == 14


def test_watchpoints_stop_before_the_access(client: Client, mod: Any, session: Any) -> None:
    total = mod.globals.address("total")
    session.memory.write(total, bytes(4))
    assert client.ask(f"Z2,{total:x},4") == b"OK"
    values = []
    while (stop := client.ask("c")).startswith(b"T"):
        assert f"watch:{total:x};".encode() in stop
        values.append(int.from_bytes(session.memory.read(total, 4), "little"))
        client.ask(f"z2,{total:x},4")
        client.ask("s")
        client.ask(f"Z2,{total:x},4")
    assert values == [0, 1, 5]
    assert b"watch:" in client.ask("bc")
    assert session.memory.read(total, 1) == b"\5"
    client.ask(f"z2,{total:x},4")
    assert client.ask(f"Z4,{total:x},4") == b"OK"
    assert b"awatch:" in client.ask("c")
    for wrong in ("Z0", "Z0,zz,4", "Z2,0,0", "z3,"):
        assert client.ask(wrong) == b"E01"
    assert client.ask("Z9,0,0") == b""


def test_files(client: Client) -> None:
    name = client.ask("qXfer:exec-file:read::0,1000")[1:]
    assert name == b"/armexec/squares.elf"
    assert client.ask("vFile:setfs:0") == b"F0"
    number = client.ask(b"vFile:open:" + name.hex().encode() + b",0,0")[1:]
    data = b""
    while True:
        head, _, part = client.ask(b"vFile:pread:%s,1000,%x" % (number, len(data))).partition(b";")
        raw = PacketReader().feed(packet(part))[0] if part else b""
        assert raw is not None
        assert int(head[1:], 16) == len(raw)
        if not raw:
            break
        data += raw
    status = client.ask(b"vFile:fstat:" + number)
    assert status.startswith(b"F40;")
    elf = ELFFile(io.BytesIO(data))
    assert elf.header.e_type == "ET_EXEC"
    assert client.ask(b"vFile:close:" + number) == b"F0"
    assert client.ask(b"vFile:close:" + number).startswith(b"F-1")
    assert client.ask(b"vFile:open:" + b"/etc/passwd".hex().encode() + b",0,0").startswith(b"F-1")
    maps = client.ask(b"vFile:open:" + b"/proc/1/maps".hex().encode() + b",0,0")[1:]
    assert b"[stack]" in client.ask(b"vFile:pread:%s,4000,0" % maps)
    for wrong in ("vFile:pread:99,1,0", "vFile:pread:zz", "vFile:fstat:zz", "vFile:open:zz", "vFile:close:zz"):
        assert client.ask(wrong).startswith(b"F-1")


def test_the_file_has_symbols_lines_and_no_caller_of_the_first_function(mod: Any, session: Any) -> None:
    from armexec.debugger.rsp import symbol_file

    elf = ELFFile(io.BytesIO(symbol_file(session)))
    symbols = {s.name: s for s in elf.get_section_by_name(".symtab").iter_symbols()}
    assert symbols["squares"].entry.st_value == mod.squares.address
    pad = symbols["back_to_python"].entry
    assert pad.st_value + 4 == session.cpu.x[30]
    dwarf = elf.get_dwarf_info()
    lines = [
        entry.state.address
        for unit in dwarf.iter_CUs()
        for entry in dwarf.line_program_for_CU(unit).get_entries()
        if entry.state is not None
    ]
    assert mod.squares.address in lines
    rules = [
        entry.get_decoded().table
        for entry in dwarf.CFI_entries()
        if type(entry).__name__ == "FDE" and entry.header.initial_location == pad.st_value
    ]
    assert rules[0][0][30].type == "UNDEFINED"
    frames = [e.header.initial_location for e in dwarf.EH_CFI_entries() if type(e).__name__ == "FDE"]
    assert mod.squares.address in frames


def test_what_lldb_asks(client: Client, mod: Any, session: Any) -> None:
    assert b"watchpoint_exceptions_received:before;" in client.ask("qHostInfo")
    assert b"pid:1;" in client.ask("qProcessInfo")
    assert b"permissions:rx;" in client.ask(f"qMemoryRegionInfo:{mod.squares.address:x}")
    assert b"permissions:rw;" in client.ask(f"qMemoryRegionInfo:{session.cpu.sp:x}")
    nothing = client.ask("qMemoryRegionInfo:0")
    assert nothing.startswith(b"start:0;")
    assert b"permissions" not in nothing
    assert client.ask("qMemoryRegionInfo:zz") == b"E01"
    assert client.ask("qWatchpointSupportInfo:") == b"num:8;"


def test_monitor(client: Client, session: Any) -> None:
    def said(text: str) -> str:
        return bytes.fromhex(client.ask("qRcmd," + text.encode().hex()).decode()).decode()

    client.ask("vCont;s")
    assert said("time") == "1\n"
    assert said("goto 20").startswith("time 20: ")
    assert session.time == 20
    assert "sp" not in said("last sp").partition(":")[0]
    assert "nothing has written" in said("last d5")
    assert "no function or symbol" in said("last nowhere")
    assert "no time" in said("goto 9999999")
    assert "monitor goto" in said("help")


def test_detaching_lets_the_call_finish(client: Client, session: Any) -> None:
    client.ask("vCont;s")
    assert client.ask("D;1") == b"OK"
    assert client.close() is None
    assert session.result == 14


def test_killing_and_leaving_do_not(mod: Any) -> None:
    for last in (b"k", b"vKill;1"):
        with armexec.debug(mod.squares, 3) as session, Client(session) as client:
            client.ask("vCont;s")
            client.send(packet(last))
            assert client.ended.get(timeout=20) is None
            assert (session.time, session.result) == (1, None)
    with armexec.debug(mod.squares, 3) as session:
        client = Client(session)
        client.ask("vCont;s")
        assert client.close() is None
        assert session.time == 1


def test_ctrl_c(mod: Any) -> None:
    with armexec.debug(mod.endless, 3) as session, Client(session) as client:
        client.send(packet(b"c"))
        time.sleep(0.1)
        client.send(b"\x03")
        assert client.answer().startswith(b"T02")
        reached = session.time
        assert reached > 0
        assert client.ask("vCont;s").startswith(b"T05")
        assert session.time == reached + 1


def test_faults_and_exceptions(mod: Any) -> None:
    with armexec.debug(mod.load, None) as session, Client(session) as client:
        assert client.ask("c").startswith(b"T0b")
        assert b"can't read memory at 0x0" in client.console

    def fail(x: int) -> int:
        raise ValueError("not today")

    with armexec.debug(mod.twice, fail, 1) as session, Client(session) as client:
        assert client.ask("c").startswith(b"T06")
        assert b"ValueError: not today" in client.console
        assert client.ask("D") == b"OK"
        assert isinstance(client.close(), ValueError)


def test_a_port_that_is_taken(client: Client, mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session, pytest.raises(armexec.HostError, match="can't be served"):
        session.serve(1 << 20)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        armexec.debug(mod.squares, 3) as session,
        pytest.raises(armexec.HostError, match="can't be served"),
    ):
        session.serve(taken.getsockname()[1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_packets_come_in_any_pieces(contents: list[bytes], size: int) -> None:
    data = b"".join(packet(escaped(content)) for content in contents)
    reader = PacketReader()
    found = [one for n in range(0, len(data), size) for one in reader.feed(data[n : n + size])]
    assert found == contents


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_nonsense_does_not_stop_the_reader(data: bytes) -> None:
    reader = PacketReader()
    reader.feed(data)
    reader.feed(b"#00#00")
    assert reader.feed(packet(b"qC"))[-1] == b"qC"


NONSENSE = [
    name + rest
    for name in ("g", "G", "p", "P", "m", "M", "x", "X", "Z0", "z2", "vCont", "vFile:", "qXfer:", "qRcmd,", "_M", "H")
    for rest in ("", ",", ":", "zz,zz:zz", ";;;", "-1,-1", "ffffffffffffffffff,ffffffffffffffffff")
]


def test_nonsense_does_not_stop_the_server(client: Client) -> None:
    for text in NONSENSE:
        client.ask(text)
    assert client.ask("qC") == b"QCp1.1"


FAR = """
int value;
__attribute__((noinline)) int rare(int x) { return x ^ 9; }
int far(int n) {
    int s = 0;
    for (int i = 0; i < n; i++) {
        s = s * 5 + i;
        if (i == n - 9) value = s;
        if (i % (n - 4) == n - 5) s = rare(s);
    }
    return s;
}
"""


def test_long_ways() -> None:
    with armexec.compile(FAR, language="c", opt="-O1", engine="translated") as module:
        session = armexec.debug(module.far, 60_000)
        with Client(session) as client:
            assert client.ask(f"Z0,{module.rare.address:x},4") == b"OK"
            assert client.ask("c").startswith(b"T05")
            assert session.cpu.pc == module.rare.address
            rare = session.time
            assert rare > 400_000
            address = module.globals.address("value")
            assert client.ask(f"Z2,{address:x},4") == b"OK"
            assert client.ask("bc").startswith(b"T05")
            assert rare - 100 < session.time < rare
            assert b"watch:%x" % address in client.ask("?")
            written = session.time
            assert b"replaylog:begin" in client.ask("bc")
            assert session.time == 0
            assert b"watch:%x" % address in client.ask("c")
            assert session.time == written
            assert client.ask(f"z2,{address:x},4") == b"OK"
            assert client.ask("c").startswith(b"T05")
            assert session.time == rare
            assert client.ask("D") == b"OK"
        assert session.result == module.far(60_000)


def test_threads() -> None:
    """Those of a program, with their registers and calls; what runs is told at each stop."""
    with armexec.debug(SPINS, language="c", opt="-O1", flags="-fno-inline -w") as session, Client(session) as client:
        place = session.places.addresses("square")[0]
        assert client.ask(f"Z0,{place:x},4") == b"OK"
        stop = client.ask("vCont;c:p1.-1")
        running = session.thread - 999
        assert stop.startswith(b"T05thread:p1.%x;swbreak" % running)
        assert client.ask("qfThreadInfo") == b"mp1.1,p1.2,p1.3"
        assert client.ask("qC") == b"QCp1.%x" % running
        assert client.ask("qXfer:threads:read::0,1000").count(b"<thread ") == 3
        assert [client.ask(f"Tp1.{n}") for n in (1, 2, 3, 4)] == [b"OK", b"OK", b"OK", b"E01"]
        # Another thread's registers, which can't be changed.
        assert client.ask("Hgp1.1") == b"OK"
        (main,) = (each for each in session.threads if each.number == 1000)
        assert _register(client, 32) == main.pc != session.cpu.pc
        assert client.ask("P0=0500000000000000") == b"E01"
        assert client.ask("Hgp1.9") == b"E01"
        assert client.ask(f"Hgp1.{running:x}") == b"OK"
        assert _register(client, 32) == session.cpu.pc == place
        # A step of the first one, which waits: it comes when the others let it.
        assert client.ask(f"z0,{place:x},4") == b"OK"
        assert client.ask("vCont;s:p1.1;c:p1.-1").startswith(b"T05thread:p1.1;")
        assert session.thread == 1000
        assert client.ask("vCont;s:p1.7") == b"E01"
        assert client.ask("bs").startswith(b"T05")
        assert client.ask("c") == b"W00"
        assert session.result.output == OUTPUT
