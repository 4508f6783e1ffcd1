"""Reports: the figures of a benchmark, as tables and as a picture."""
