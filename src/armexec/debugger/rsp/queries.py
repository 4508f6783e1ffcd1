"""Packets that ask what there is: q and Q, of gdb and of lldb, and H and T, of threads."""

from __future__ import annotations

from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.state import State, peek
from armexec.debugger.rsp.thread_ids import identifier, meant, numbers, running

__all__: list[str] = []

_FEATURES = (
    "multiprocess+",
    "PacketSize=20000",
    "QStartNoAckMode+",
    "vContSupported+",
    "swbreak+",
    "hwbreak+",
    "qXfer:features:read+",
    "qXfer:auxv:read+",
    "qXfer:exec-file:read+",
    "qXfer:threads:read+",
    "ReverseStep+",
    "ReverseContinue+",
)


@command("qSupported")
def features(state: State, rest: bytes) -> bytes:
    return ";".join(_FEATURES).encode()


@command("QStartNoAckMode")
def no_acknowledgements(state: State, rest: bytes) -> bytes:
    state.acknowledges = False
    return b"OK"


@command("vMustReplyEmpty")
def nothing(state: State, rest: bytes) -> bytes:
    return b""


@command("!")
def extended(state: State, rest: bytes) -> bytes:
    return b"OK"


@command("H")
def look_at(state: State, rest: bytes) -> bytes:
    number = meant(state, rest[1:])
    if number is None:
        return b"E01"
    if rest[:1] == b"g":
        state.thread = number
    return b"OK"


@command("T")
def is_there(state: State, rest: bytes) -> bytes:
    return b"E01" if meant(state, rest) is None else b"OK"


@command("qC")
def current_thread(state: State, rest: bytes) -> bytes:
    return b"QC" + identifier(running(state))


@command("qfThreadInfo")
def first_threads(state: State, rest: bytes) -> bytes:
    return b"m" + b",".join(map(identifier, numbers(state)))


@command("qsThreadInfo")
def more_threads(state: State, rest: bytes) -> bytes:
    return b"l"


@command("qThreadExtraInfo")
def thread_name(state: State, rest: bytes) -> bytes:
    return state.session.target.name.encode().hex().encode()


@command("qAttached")
def is_attached(state: State, rest: bytes) -> bytes:
    return b"1"


@command("qSymbol")
def symbols(state: State, rest: bytes) -> bytes:
    return b"OK"


@command("qHostInfo")
def host(state: State, rest: bytes) -> bytes:
    triple = b"aarch64-unknown-linux-gnu".hex().encode()
    return b"triple:%s;endian:little;ptrsize:8;watchpoint_exceptions_received:before;" % triple


@command("qProcessInfo")
def process(state: State, rest: bytes) -> bytes:
    triple = b"aarch64-unknown-linux-gnu".hex().encode()
    return b"pid:1;parent-pid:0;triple:%s;endian:little;ptrsize:8;" % triple


@command("qMemoryRegionInfo:")
def region(state: State, rest: bytes) -> bytes:
    try:
        address = int(rest, 16)
    except ValueError:
        return b"E01"
    regions = state.session.target.regions()
    for begin, end, permissions, name in regions:
        if begin <= address < end:
            shown = permissions.replace("-", "").encode()
            return b"start:%x;size:%x;permissions:%s;name:%s;" % (
                begin,
                end - begin,
                shown,
                name.encode().hex().encode(),
            )
    if peek(state.session, address, 1):
        page = address // 0x1000 * 0x1000
        return b"start:%x;size:1000;permissions:rw;" % page
    later = min((begin for begin, *_ in regions if begin > address), default=1 << 64)
    return b"start:%x;size:%x;" % (address, min(later - address, 1 << 48))


@command("qWatchpointSupportInfo")
def watchpoints(state: State, rest: bytes) -> bytes:
    return b"num:8;"
