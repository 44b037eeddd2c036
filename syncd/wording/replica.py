"""An image in one account, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.ledger.kept import KeepReason
from syncd.ledger.search import FoundImage, FoundReplica
from syncd.model import AccountId
from syncd.wording.figures import format_time

WHY_KEPT: Mapping[str, str] = {
    KeepReason.KEEP: 'its file left a folder that keeps its images (deletions = "keep")',
    KeepReason.EXCLUDED: "a change of include or exclude no longer takes its file",
    KeepReason.SUSPECT: "its file was lost without proof of a deletion, or rewritten while the"
    " folder was suspect",
    KeepReason.RETIRED: "its folder was removed from the configuration",
    KeepReason.MIRROR: "its folder no longer feeds the account",
    KeepReason.DISMISSED: "the operator dismissed its deletion",
    KeepReason.FOREIGN: "it was in the account before syncd uploaded it",
    KeepReason.CLOCK: "the clocks do not show whether it was in the account before",
    KeepReason.BY_HAND: "`syncd images` uploaded or copied it, and no file wanted it",
}

_WHY_CONDEMNED = {
    "waiting": "its deletion waits for the end of the grace period",
    "held": "its deletion waits for the operator's decision: see `syncd deletions`",
    "approved": "its deletion is approved, and waits for the end of the grace period",
    "requested": "its deletion was requested, and is being confirmed",
    "withdrawn": "its deletion was withdrawn",
}


def state_of(
    replica: FoundReplica, waiting: str | None, name_of: Callable[[AccountId], str]
) -> str:
    """Return the state; `waiting` is why nothing is sent to the account now, if nothing is."""
    if replica.hash is not None and replica.is_held:
        since = f" since {format_time(replica.held_at)}" if replica.held_at else ""
        named = f", named {replica.name}" if replica.name else ""
        copied = f", {copied_from(name_of(source))}" if (source := replica.copied_from) else ""
        held = "sent again as" if replica.unconfirmed else "held as"
        confirmed = "; to be confirmed" if replica.unconfirmed else ""
        why = "" if replica.wanted else f"; {_why_there(replica)}"
        return f"{held} {replica.hash}{since}{copied}{named}{confirmed}{why}"
    if replica.unconfirmed and replica.wanted:
        return "missing: its deletion was under way when its file returned; it is sent again"
    if replica.unconfirmed:
        return f"deleted, to be confirmed: {replica.hash}"
    if replica.rejected is not None:
        return f"rejected: {replica.rejected}"
    if replica.deleted_at is not None:
        return f"deleted at {format_time(replica.deleted_at)}: no file needed it"
    since = f" since {format_time(replica.wanted_at)}" if replica.wanted_at else ""
    return f"missing{since}: {why_missing(replica, waiting) or 'it waits its turn'}"


def copied_from(account: str) -> str:
    """Return how an image arrived that was copied from this account."""
    return f"copied from {account}"


def why_missing(replica: FoundReplica, waiting: str | None) -> str | None:
    """Return why the account does not hold the image yet; None if it is held or only waits."""
    is_waiting = replica.wanted and not replica.is_held and replica.rejected is None
    return replica.error or (waiting if is_waiting else None)


def why_not_wanted(image: FoundImage) -> str:
    """Return why an account does not need an image of which it has no replica."""
    folders = sorted({file.folder for file in image.files if not file.is_deleted})
    if not folders:
        return "no file has this content now"
    if image.unsupported is not None:
        return f"rejected: {image.unsupported}"
    if len(folders) == 1:
        return f"the folder {folders[0]}, which has it, does not feed the account"
    return f"the folders {', '.join(folders)}, which have it, do not feed the account"


def _why_there(replica: FoundReplica) -> str:
    """Return why an account holds an image that no file needs."""
    if replica.kept is not None:
        return f"kept: {WHY_KEPT.get(replica.kept, replica.kept)}"
    if replica.deletion is not None:
        why = _WHY_CONDEMNED.get(replica.deletion, replica.deletion)
        return f"{why}; {replica.why_there}" if replica.why_there else why
    return "no file needs it"
