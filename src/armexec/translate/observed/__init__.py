"""Translations of which the registers can be looked at: they are in the state of a Cpu wherever a block is left."""
