"""Builds everything, runs it, and ends it well."""
