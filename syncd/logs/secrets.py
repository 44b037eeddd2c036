"""Removal of known secrets from everything that is logged or printed."""

from urllib.parse import quote

from syncd.config import Secret

SHORTEST = 8
"""Characters of the shortest secret that is hidden: a shorter text is not a token, and hiding it
would remove ordinary words."""

_known: list[str] = []


def hide(secret: Secret) -> None:
    """Replace this secret by `***` from now on, in its percent-encoded form as well."""
    text = secret.reveal()
    for form in (text, quote(text, safe="")):
        if len(form) >= SHORTEST and form not in _known:
            _known.append(form)
    # One secret may begin with another: the longer is replaced first, or its end would remain.
    _known.sort(key=len, reverse=True)


def without_secrets(text: str) -> str:
    """Return the text with `***` instead of each known secret."""
    # Repeated until nothing changes: a `***` and its surroundings can form another secret.
    hidden = ""
    while hidden != text:
        hidden = text
        for secret in _known:
            if secret in text:
                text = text.replace(secret, "***")
    return text
