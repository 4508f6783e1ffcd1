"""Calls by a block of memory that has the argument registers and the stack arguments."""

from __future__ import annotations

from armexec.abi.frames.block import ArgumentFrame
from armexec.abi.frames.callee import CalleePlan
from armexec.abi.frames.caller import CallerPlan
from armexec.abi.frames.calls import make_frame_call
from armexec.abi.frames.prepared import PreparedCall

__all__ = ["ArgumentFrame", "CalleePlan", "CallerPlan", "PreparedCall", "make_frame_call"]
