"""Calls by a block of memory that has the argument registers and the stack arguments."""

from __future__ import annotations

from armexec.abi.frames.block import ArgumentFrame
from armexec.abi.frames.callee import CalleePlan
from armexec.abi.frames.caller import CallerPlan
from armexec.abi.frames.calls import make_frame_call

__all__ = ["ArgumentFrame", "CalleePlan", "CallerPlan", "make_frame_call"]
