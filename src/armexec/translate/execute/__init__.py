"""Running host code: entry from Python, code found while running, faults."""
