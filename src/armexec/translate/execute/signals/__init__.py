"""Handlers of signals that are host code: their places among those of others, and the stacks that they run on.

It needs no LLVM: whoever has a handler makes it in a way of its own.
"""
