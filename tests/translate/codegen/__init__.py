"""LLVM, the linker and the cache."""
