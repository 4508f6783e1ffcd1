"""Contenders: the host's own build, armexec's engines, qemu-aarch64 and Unicorn, each of which runs the kernels."""
