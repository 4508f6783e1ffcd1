"""The control-flow graph of a guest function: discovery, jump tables, and how large code is partitioned."""
