"""The last gate of the log: no secret that is known passes it."""

from urllib.parse import quote

from syncd.config import Secret

SHORTEST = 8
"""What is shorter is no token, and hiding it would blot out ordinary words."""

_known: list[str] = []


def hide(secret: Secret) -> None:
    """From now on, show `***` instead of this secret, also where it is percent-encoded."""
    text = secret.reveal()
    for form in (text, quote(text, safe="")):
        if len(form) >= SHORTEST and form not in _known:
            _known.append(form)
    # One secret may begin with another: the longer goes first, or its end would remain.
    _known.sort(key=len, reverse=True)


def without_secrets(text: str) -> str:
    # Again until nothing is found, for what stands around a `***` may make a secret with it.
    hidden = ""
    while hidden != text:
        hidden = text
        for secret in _known:
            if secret in text:
                text = text.replace(secret, "***")
    return text
