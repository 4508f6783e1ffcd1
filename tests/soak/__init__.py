"""A long run of everything: `scripts/soak MINUTES`."""
