"""The process that workers are forked from, and how this process asks it."""
