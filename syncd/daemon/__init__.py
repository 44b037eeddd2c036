"""The daemon, and the commands that build the same runtime for one task."""
