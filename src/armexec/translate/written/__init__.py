"""Code that the guest writes while it runs: fetched from memory, translated, and forgotten when it is changed."""
