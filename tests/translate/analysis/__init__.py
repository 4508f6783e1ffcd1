"""Facts of functions, and what is made of them."""
