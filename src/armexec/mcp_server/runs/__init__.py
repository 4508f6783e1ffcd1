"""The processes of `armexec mcp` that run guests: results, traces, coverage."""
