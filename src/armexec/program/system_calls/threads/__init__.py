"""The threads of a program: what system calls need of them, their calls, and what waits."""
