"""Guest functions to host code: discovery, liveness, IR text, optimization, linking, calls from Python.

The rooms, in the order in which data passes through them:

- `cfg`: the blocks of a function, the targets of jump tables, large functions partitioned into fragments.
- `analysis`: callee-saved registers, targets of indirect calls, spin loops, regions that can be executed again.
- `ir`: blocks lifted to IR text, liveness across functions, the blocks joined with calls, returns and deoptimization
  exits, the text of a whole unit.
- `support`: IR that is the same for all guest code, in files.
- `codegen`: IR text to object files by LLVM, object files to executable memory, units on disk.
- `execute`: entry from Python, code found while running, faults.
- `python_calls`: calls from Python without ctypes.
- `observe`: names and places of host code, for perf, gdb and profiles; dumps of each stage.
- `observed`: blocks for address spaces, whose registers can be looked at.

What several rooms share stands beside them: `policy`, `guest_state`, `mode`, `unit_registry`, `compiled_unit`,
`tiers`, `events`.
"""
