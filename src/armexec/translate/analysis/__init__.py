"""Facts of functions that the translation rests on: callee-saved registers, call targets, loops."""
