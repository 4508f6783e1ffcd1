"""The machine that computes: values are Python ints."""
