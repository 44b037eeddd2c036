"""The pages, from what was read to HTML."""
