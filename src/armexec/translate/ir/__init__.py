"""Guest functions as IR text: lifting, liveness, calls, ways out."""
