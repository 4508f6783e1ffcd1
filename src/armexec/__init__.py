"""Turns C++, C, assembly or machine words into a running AArch64 function, on any machine."""
