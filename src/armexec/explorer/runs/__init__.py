"""The runner processes: a call or a program that goes forwards and back, recorded for the page."""
