"""The machine that translates: values are names in IR text."""
