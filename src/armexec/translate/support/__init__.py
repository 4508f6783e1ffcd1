"""IR text that is the same for all guest code: the dispatcher, traps, the way to Python."""
