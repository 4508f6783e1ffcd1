"""The server: what a browser may ask for, the conversation with a page, and the processes that do the work."""
