"""Readers of object files: ELF and Mach-O, each as a Part."""
