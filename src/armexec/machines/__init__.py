"""What a semantic function runs on: `reference` (Python ints) and `llvm` (IR text)."""
