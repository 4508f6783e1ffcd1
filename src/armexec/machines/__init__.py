"""Machines that semantic functions run on: `interpreter` (Python ints), `llvm` (IR text); `fp` is Arm's arithmetic."""
