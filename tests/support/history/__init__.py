"""Histories of folders, accounts and crashes: a driver, an observer and a model of the daemon."""
