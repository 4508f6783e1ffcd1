"""The guest's calls and registers where translated code was left, from what has been kept of the host.

Guest functions are host functions, so the host's calls are the guest's. Everything here happens when somebody asks.
"""

from __future__ import annotations

from armexec.translate.execute.host_frames.kept import Kept, keep
from armexec.translate.execute.host_frames.walk import GuestCalls, Tables, is_guest

__all__ = ["GuestCalls", "Kept", "Tables", "is_guest", "keep"]
