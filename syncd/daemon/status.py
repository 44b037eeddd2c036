"""The sentence that the service manager shows, sent again only when it has changed."""

from __future__ import annotations

from syncd.daemon.notify import Notifier
from syncd.logs.value import plain_text


class Status:
    """What `systemctl status` says of the daemon."""

    def __init__(self, manager: Notifier) -> None:
        self._manager = manager
        self._told = ""

    def tell(self, sentence: str, *lines: str) -> None:
        """Show a sentence without any secret, and say other lines in the same message."""
        shown = plain_text(sentence)
        if lines or shown != self._told:
            self._told = shown
            self._manager.tell(*lines, f"STATUS={shown}")
