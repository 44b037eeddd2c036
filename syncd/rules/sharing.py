"""Whether an account takes several images in one POST: learnt, and doubted now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace

REFUSALS = 5
"""Shared POSTs refused in a row before the account itself is suspected: one bad image among 25 is
alone after four halvings, and each of them leaves a half that goes through."""

TRY_AGAIN = 6 * 3600.0
"""Seconds until an account that refuses shared POSTs is tried with one again."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What an account has shown: shared POSTs refused in a row, and until when (unix seconds)
    it gets one image a POST."""

    refused: int = 0
    alone_until: float = 0.0

    def limit(self, images: int, now: float) -> int:
        """Return how many images at most the next POST may hold."""
        return 1 if now < self.alone_until or self.refused >= REFUSALS else images

    def shared_taken(self) -> Sharing:
        """A shared POST went through: the account takes them."""
        return Sharing()

    def shared_refused(self) -> Sharing:
        """A shared POST was refused for an image; which one, or whether any, is not known."""
        return replace(self, refused=self.refused + 1)

    def alone_refused(self) -> Sharing:
        """An image was refused alone: it explains the refusals before it."""
        return replace(self, refused=min(self.refused, learnt(self.alone_until).refused))

    def alone_taken(self, suspect: bool, now: float) -> Sharing:
        """An image went alone; if it was a suspect, it was no reason to refuse its shared POST."""
        return learnt(now + TRY_AGAIN) if suspect and self.refused >= REFUSALS else self


def learnt(alone_until: float) -> Sharing:
    """Return what is known of an account that refuses until then (0: of one that never did).

    Once the time is over, one more refusal is enough.
    """
    return Sharing(REFUSALS - 1 if alone_until else 0, alone_until)
