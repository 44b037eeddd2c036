"""Which deletions to believe: what follows from a scan that did not find files that were there."""

from __future__ import annotations

from enum import Enum

import msgspec

from syncd.model import HoldAbove


class Root(Enum):
    """The directory that a folder's path leads to, beside the one that was last believed."""

    FIRST = "first"
    """None was: the folder is new, or a person has said that it is right as it is now."""
    SAME = "same"
    ANOTHER = "another"
    MISSING = "missing"


class Belief(Enum):
    """What becomes of the files that a scan did not find."""

    NOTHING = "nothing"
    """They may still be there: nothing is forgotten."""
    FORGET = "forget"
    """They are no longer in the folder, and nobody has deleted them for sure: images stay."""
    CONDEMN = "condemn"
    """They were deleted: an image that nothing wants any more is condemned."""


class Evidence(msgspec.Struct, frozen=True):
    """What a scan has seen: the root, and yes or no."""

    root: Root
    still: bool  # at the end, the root was the directory that it was at the beginning, and linked
    unbroken: bool  # no error was met
    shows_files: bool  # some file was seen, or there was none before
    nearly_all: bool  # no more is missed than may go at once without a person
    whole: bool  # everything was scanned, not a place that an event named
    undoubted: bool  # since the root was last believed, nothing has spoken against it
    same_patterns: bool  # include and exclude are what they were then
    in_place: bool  # what it missed lay on file systems that are still there
    propagates: bool  # the folder's deletions do


def trust_scan(seen: Evidence) -> Belief:
    """Decide from facts alone; whatever is odd speaks for the files."""
    if seen.root is Root.MISSING or not (seen.still and seen.unbroken and seen.shows_files):
        return Belief.NOTHING
    if not seen.whole and not (seen.root is Root.SAME and seen.undoubted):
        return Belief.NOTHING
    if seen.root is Root.ANOTHER and not seen.nearly_all:
        return Belief.NOTHING
    if seen.root is not Root.SAME or not (seen.same_patterns and seen.propagates):
        return Belief.FORGET
    if not seen.in_place:
        return Belief.NOTHING
    # What came while the folder was in doubt may have lain in another one.
    return Belief.CONDEMN if seen.undoubted else Belief.FORGET


def is_too_many(gone: int, known: int, above: HoldAbove) -> bool:
    """Tell whether so many of those that were known, gone at once, wait for a person."""
    return gone > max(above.images, above.share * known)
