"""Memory of the guest: what it maps itself, and what of it it may execute."""
