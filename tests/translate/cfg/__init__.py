"""Control-flow graphs and the division of code into functions."""
