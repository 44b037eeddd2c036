"""The disk: walk, watch, read, digest, probe."""
