"""Decisions: no await, no clock, no file, no logger; time and randomness are passed in."""
