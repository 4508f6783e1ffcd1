"""Measurements: hot runs, first calls, calls, assembler and disassembler, start-up."""
