"""The errors of secrets that cannot be read."""


class SecretError(Exception):
    """A secret cannot be read; the text names the reason and what to do."""


class NoFilesError(SecretError):
    """No file can be opened now, which is not about the secret."""
