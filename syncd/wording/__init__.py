"""What is known about the daemon, accounts and images, in words.

One wording for every command and page.
"""
