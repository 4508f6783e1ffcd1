"""The past of a session: what was executed and overwritten, and the ways back to it."""
