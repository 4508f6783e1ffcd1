"""Guest functions to host code: discovery, liveness, IR text, optimization, linking, calls from Python.

What is translated is kept on disk; code that is found there skips everything up to linking.

In the order that data goes through them:

- `flow`: which instructions belong to a function, as blocks; `jumps`: the targets of jump tables; `regions`: large
  functions cut into pieces that don't overlap. `symbolic`: a machine whose values are expressions, for `jumps` and
  `frames`; `anything`: a value of which nothing is known.
- `modes`: the translations that there are of code, and whether it can see FPCR or FPSR, and so has to be strict.
- `lift`: a function's blocks as IR text, by the machine of `machines.llvm`; `pairs`: two instructions on vectors as
  one.
- `reruns`: loops that change nothing but registers, where NaNs are only looked for at the end; `spins`: loops that may
  wait for another thread.
- `liveness`: which registers travel between translated functions; `frames`: which ones come back as they were;
  `guesses`: where calls to registers may go.
- `function`: the blocks joined, with calls and returns; `careful`: the ways out where a NaN comes up;
  `narrow`: registers that hold 32 bits; `unit`: the text of a whole module, with entry stubs; `prelude`: what every
  module calls: the dispatcher, traps, the way to Python. `direct`: calls from Python without ctypes.
- `host`: IR text to object files, by LLVM; `link`: object files to executable memory.
- `record`: a compiled unit, apart from where it is linked; `kept`: records on disk, and what they are found by.
- `shared_code`: code that belongs to no image.
- `tiers`: what is optimized at once, and what in the background.
- `library`: what the units of an image know of each other; `linked`: a unit in memory.
- `state`: the guest's registers in memory, `registers`: to and from there; `runtime`: entry from Python, traps, code
  found while running; `signals`: faults of the host that are the guest's, `sigaction`: how handlers are installed;
  `fault_map`: from the host's pc to the guest's, by `locations`; `fault_place`: to the access there. `host_operand`:
  the address that an instruction of the host accesses; `tags`: addresses whose highest byte is ignored. `endless`:
  functions that can only return to themselves.
- `watch`: who is told of linked code. `naming`: what people call it; `host_symbols`: where its functions are.
  `perf_map`: perf; `gdb`, `debug_object`, `library_symbols`: gdb. `sampler`, `thread_timers`, `sampled`: profiles.
- `snippets`: single instructions in arbitrary states, for tests.
"""
