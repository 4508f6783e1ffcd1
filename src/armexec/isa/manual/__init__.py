"""The reference of the instructions, made from their descriptions: pages and their parts."""
