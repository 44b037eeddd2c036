"""Image formats: what a file is, its size, and whether it is complete."""
