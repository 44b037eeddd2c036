"""The intake: files wait until they have settled, are read, and are recorded."""
