"""The watch on a folder: it reports where something has happened."""
