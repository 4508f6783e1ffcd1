"""Fuzzers: `scripts/fuzz MINUTES` (docs/decisions/0039-fuzzing.md)."""
