"""IR text to host code in memory: LLVM, the linker, the cache."""
