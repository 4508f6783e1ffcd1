"""`python -m armexec` is the program `armexec`."""

from __future__ import annotations

from armexec.cli import main

main()
