"""The commands of armexec, one a file, each imported only when it is asked for."""
