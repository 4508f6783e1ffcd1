"""Names and places of host code, for profilers and debuggers."""
