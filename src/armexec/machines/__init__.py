"""What a semantic function runs on: `interpreter` (Python ints) and `llvm` (IR text)."""
