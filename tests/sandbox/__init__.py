"""Sandboxes: what hostile code can't reach, and that other code does the same in them as elsewhere."""
