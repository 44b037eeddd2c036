"""Texts about the daemon, accounts and images.

One wording for every command and page.
"""
