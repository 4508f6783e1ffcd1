"""Arguments of functions as texts, and variable arguments."""
