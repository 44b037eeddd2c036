"""Whether an account takes several images in one POST: learnt, and doubted now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace

REFUSALS = 5
"""Shared POSTs refused in a row before the account itself is suspected."""

CLEARED = 12
"""Suspects taken alone in a row that then prove it. A POST of three that is refused for one bad
image leaves at most two good ones before it, and each worker may have one such POST: with 12, no
simulated library was taken for such an account, with up to 16 workers and every fifth image bad."""

TRY_AGAIN = 6 * 3600.0
"""Seconds until an account that refuses shared POSTs is tried with one again."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What an account has shown: shared POSTs refused in a row, until when (unix seconds) it gets
    one image a POST, and suspects in a row that went through alone."""

    refused: int = 0
    alone_until: float = 0.0
    cleared: int = 0

    def limit(self, images: int, now: float) -> int:
        """Return how many images at most the next POST may hold."""
        again = self.alone_until > 0 and self.refused >= REFUSALS
        return 1 if now < self.alone_until or again else images

    def shared_taken(self) -> Sharing:
        """A shared POST went through: the account takes them."""
        return Sharing()

    def shared_refused(self) -> Sharing:
        """A shared POST was refused for an image; which one, or whether any, is not known."""
        return replace(self, refused=self.refused + 1)

    def alone_refused(self) -> Sharing:
        """An image was refused alone: it explains the refusals before it."""
        known = learnt(self.alone_until)
        return known if self.refused > known.refused else replace(self, cleared=known.cleared)

    def alone_taken(self, suspect: bool, now: float) -> Sharing:
        """An image went alone; if it was a suspect, it was no reason to refuse its shared POST."""
        if not suspect:
            return self
        cleared = self.cleared + 1
        if self.refused >= REFUSALS and cleared >= CLEARED:
            return learnt(now + TRY_AGAIN)
        return replace(self, cleared=cleared)


def learnt(alone_until: float) -> Sharing:
    """Return what is known of an account that refuses until then (0: of one that never did).

    Once the time is over, one more refusal, and one more suspect that is none, are enough.
    """
    return Sharing(REFUSALS - 1, alone_until, CLEARED - 1) if alone_until else Sharing()
