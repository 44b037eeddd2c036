"""Generators of the man page and of the README's event table."""
