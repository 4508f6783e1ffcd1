"""Runs of which only counts are kept: coverage, and the costs of calls. Blocks write their numbers and nothing else."""

from __future__ import annotations

import os

import numpy as np

from armexec.debugger.target import Target
from armexec.engines.recorded.pieces import Piece
from armexec.engines.recorded.records import Chunk, Recorder
from armexec.engines.recorded.tables import Tables
from armexec.errors import Error
from armexec.tracing.calls import CallCosts
from armexec.tracing.counts import BlockCounts
from armexec.tracing.formats.callgrind import callgrind_text
from armexec.tracing.formats.lcov import lcov_text
from armexec.tracing.run import End, run_recorded
from armexec.tracing.turns import Turns

__all__ = ["run_counted"]


def run_counted(
    target: Target,
    *,
    coverage: str | os.PathLike[str] | None = None,
    callgrind: str | os.PathLike[str] | None = None,
    fast: bool | None = None,
) -> End:
    """Run a target to its end, and write files about it, also where it ends by a fault.

    Args:
        coverage: where the lines and branches that were executed go, as lcov has them.
        callgrind: where the costs of functions, lines and calls go, as callgrind has them.
        fast: as for `run_recorded`.

    Raises:
        Error: a file can't be written, or no source lines are known for `coverage`.
    """

    tables, time = Tables(()), 0

    def take(chunk: Chunk) -> None:
        nonlocal tables, time
        # The memory of the chunk is used again.
        headers = np.frombuffer(chunk.headers, np.uint64, chunk.header_bytes // 8).copy()
        if calls is None and not turns.are_several:
            counts.add(headers)
            time += int((headers >> np.uint64(32)).sum())
            return
        if len(tables.count) != len(recorder.layouts.known):
            tables = Tables(recorder.layouts.known)
        piece = Piece(tables, time, headers, np.frombuffer(chunk.data, np.uint64, chunk.data_bytes // 8))
        for blocks in turns.split(headers, piece.sp, time):
            counts.add(blocks.headers, blocks.thread)
            if calls is not None:
                calls.add(blocks)
        time += piece.rows

    recorder = Recorder(take, values=False)
    turns = Turns(target.cpu.sp)
    counts = BlockCounts(recorder.layouts)
    calls = CallCosts(recorder.layouts, turns) if callgrind is not None else None
    end = run_recorded(target, recorder, None, turns, fast=fast)
    for thread, pc in end.pcs.items():
        counts.end(pc, thread)
    found = counts.result()
    if coverage is not None:
        _write(coverage, lcov_text(found, target.places))
    if callgrind is not None and calls is not None:
        _write(callgrind, callgrind_text(target.name, found, calls.result(), target.places))
    return end


def _write(path: str | os.PathLike[str], text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Error(f"can't write {os.fspath(path)}: {error.strerror}") from None
