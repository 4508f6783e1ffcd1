"""`armexec mcp`: a server of the Model Context Protocol, whose tools compile, run, trace and explain.

The processes are those of the explorer: the server itself (`server.py`) runs no code that it is given. Builders
(`builds/`) compile, assemble and disassemble. Each call of a tool that runs code has a confined process of its own
(`runs/`), which is ended afterwards.
"""
