"""The page of `armexec explore`: what is built, what runs, who may ask, and what a browser shows."""
