"""Guest functions to host code: discovery, liveness, IR text, optimization, linking, calls from Python.

- `flow`: which instructions belong to a function, as blocks.
- `lift`: a function's blocks as IR text, by the machine of `machines.llvm`.
- `liveness`: which registers travel between translated functions.
- `unit`: the text of a whole module: functions, calls, entry stubs.
- `host`: IR text to host code, by LLVM.
- `state`: the guest's registers in memory; `runtime`: entry from Python, traps, code found while running.
- `snippets`: single instructions in arbitrary states, for tests.
"""
