"""One page in the browser: source, assembly, words, and a call that goes forwards and back. `armexec explore` opens it.

Three kinds of process take part. The server (`server.py`) listens on this machine only, and runs no code of the page.
Builders (`builds/`) compile and disassemble, for all pages. Each page has a runner (`runs/`), a confined worker process
that has the guest. Both are ended when they take too long, and replaced.
"""
