"""Calls of the functions of modules: what a Function has its module do, and how it is done in this process."""
