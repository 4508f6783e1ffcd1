"""Arm's floating point on bit patterns: exact, with FPCR's modes and FPSR's cumulative flags, on Python ints alone.

The functions follow the shared pseudocode of the Arm Architecture Reference Manual (shared/functions/float), as it is
for a processor with FEAT_FP16 and without FEAT_AFP and FEAT_EBF16. The pseudocode computes with real numbers; here a
finite number is `(-1)**sign * mantissa * 2**exponent` in unbounded integers, so an operation is exact until
`rounding.encode` rounds it, once.

Each takes an `Environment` first (the modes, and the flags it raises), then a `Format`, then elements as unsigned ints:

    env = Environment(fpcr)
    result = arithmetic.add(env, SINGLE, a, b)
    fpsr |= env.flags
"""
