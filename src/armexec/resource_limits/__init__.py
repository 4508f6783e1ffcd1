"""Limits of what runs: time, instructions, memory, stacks; of blocks, modules and runs."""
