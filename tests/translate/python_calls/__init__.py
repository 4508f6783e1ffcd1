"""Calls from Python without ctypes."""
