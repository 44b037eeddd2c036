"""The proof that a scan gives about files that it did not find.

A file that a scan did not find is not necessarily deleted: a disk may be unmounted, a folder
swapped, a directory unreadable. Anything unusual therefore counts in favour of the files.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from syncd.model import HoldAbove


class RootMatch(Enum):
    """How the root directory compares with the one that was last trusted."""

    FIRST = "first"
    """No root has been trusted yet: the folder is new, or the operator accepted its new state."""
    SAME = "same"
    COPY = "copy"
    """A different directory with the same files, some of which may be missing from it."""
    DIFFERENT = "different"
    MISSING = "missing"


class Conclusion(Enum):
    """The consequence for the files that a scan did not find."""

    NONE = "none"
    """They may still exist: the ledger keeps them."""
    FORGET = "forget"
    """They have left the folder, but not certainly by deletion: their images stay."""
    CONDEMN = "condemn"
    """They were deleted: an image that no other file needs is condemned."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of one scan."""

    root: RootMatch
    root_stable: bool  # at its end the root was the directory of its beginning, and still linked
    error_free: bool
    has_files: bool  # it saw a file, or the folder had none before
    full: bool  # it covered the whole folder, not only the places named by events
    trusted: bool  # the folder is not suspect
    same_patterns: bool  # include and exclude are unchanged since the folder was last trusted
    propagates: bool  # the folder has deletions = "propagate"


def trust_scan(seen: Evidence) -> Conclusion:
    """Return what follows for the files that the scan did not find."""
    if seen.root in (RootMatch.MISSING, RootMatch.DIFFERENT):
        return Conclusion.NONE
    if not (seen.root_stable and seen.error_free and seen.has_files):
        return Conclusion.NONE
    if not seen.full and not (seen.root is RootMatch.SAME and seen.trusted):
        return Conclusion.NONE
    if seen.root is not RootMatch.SAME or not (seen.same_patterns and seen.propagates):
        return Conclusion.FORGET
    # A file recorded while the folder was suspect may have been in another directory.
    return Conclusion.CONDEMN if seen.trusted else Conclusion.FORGET


def is_too_many(missing: int, known: int, above: HoldAbove) -> bool:
    """Return whether `missing` of `known` items at once need the operator's approval."""
    return missing > max(above.images, above.share * known)
