"""IR text that is the same for all guest code, and the functions that put its files together.

- `runtime`: traps, the clock, the way to Python, host code for guest addresses, the entry protocol (see `entry.ll`).
- `unit`: the dispatcher and the look-up of host code, which each unit has.
- `environment`: the floating-point environment, by host.
- `signals`: the handlers of faults and of a profiler's signal; what they know of a host is in files of its own.
- `vectorcall`: Python's C API, and the formats of its buffers.
"""
