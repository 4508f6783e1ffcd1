"""The processor that a guest sees: its registers, as data and as an object."""
