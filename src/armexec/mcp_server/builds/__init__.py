"""The builder processes of `armexec mcp`: source to assembly, words and images; instructions."""
