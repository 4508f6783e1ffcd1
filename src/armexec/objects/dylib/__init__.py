"""Dynamic libraries of macOS (Mach-O, MH_DYLIB): read, and bound as one image."""
