"""Histories: the daemon on demand, a witness of its calls, and a model of what is right."""
