"""General instructions, system instructions and branches, by class of the manual's index."""
