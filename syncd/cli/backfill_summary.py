"""The summary at the end of `syncd backfill`: what was sent, and what was not, by reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncd.folders import skipped
from syncd.ledger.queries import by_reason
from syncd.model import AccountName
from syncd.rules.forecast import amount
from syncd.rules.sync import Sync
from syncd.wording.file_counts import unread

if TYPE_CHECKING:
    from syncd.daemon.backfill_result import AccountResult, Result
    from syncd.ledger.queries import FolderSummary


def result_lines(result: Result) -> Iterator[str]:
    """Yield the lines of the summary."""
    for name, account in result.accounts.items():
        yield from _account_lines(name, account)
    for folder in result.folders.values():
        yield from _folder_lines(folder)
    if result.changing:
        yield f"{amount(result.changing, 'file')} still changing: not sent"
    yield _last_line(result)


def _account_lines(name: AccountName, account: AccountResult) -> Iterator[str]:
    tally = account.tally
    text = f"{name}: {tally.held:,} of {tally.wanted:,} images held ({account.uploaded:,} uploaded"
    if account.copied:
        text += f", {account.copied:,} copied"
    text += f", {max(0, tally.held - account.uploaded - account.copied):,} already held)"
    if tally.rejected:
        text += f", {tally.rejected:,} rejected"
    if tally.missing:
        text += f", {tally.missing:,} missing"
    if tally.unread:
        text += f", {amount(tally.unread, 'file')} not readable or not finished"
    yield text
    for count in account.reasons.rejected:
        yield f"  rejected: {amount(count.count, 'image')}: {count.reason}"
    for count in account.reasons.missing:
        yield f"  missing: {amount(count.count, 'image')}: {count.reason}"
    if account.trouble is not None and tally.missing:
        yield f"  missing: {account.trouble}"
    if account.left_out:
        yield f"  not part of this run: {amount(account.left_out, 'missing image')}"


def _folder_lines(folder: FolderSummary) -> Iterator[str]:
    state = folder.state
    if trouble := state.doubt or state.trouble:
        yield f"folder {state.name}: {trouble}"
    if folder.skipped:
        yield f"folder {state.name}: skipped {skipped.sentence(by_reason(folder.skipped))}"
    for line in unread(folder.unreadable, folder.unfinished):
        yield f"folder {state.name}: {line}"


def _last_line(result: Result) -> str:
    if result.interrupted:
        return "Interrupted; run it again to continue."
    if result.sync is Sync.MISSING:
        return "Not in sync; `syncd status` shows why."
    speed = f"{result.seconds:.1f} s"
    if result.sent:
        speed += f", {result.images_per_second:,.1f} images/s"
    if result.left_out:
        state = "This part is done" if result.in_sync else "This part is done but for rejections"
        return f"{state} after {speed}; run it again without the limits to send the rest."
    if result.in_sync:
        return f"In sync after {speed}."
    return "In sync except for rejected images; `syncd status` shows the reasons."


def result_json(result: Result) -> Mapping[str, object]:
    """Return the summary for programs; the names are those of the event `backfill.done`."""
    return {
        "sync": result.sync.value,
        "interrupted": result.interrupted,
        "seconds": round(result.seconds, 1),
        "images_per_second": result.images_per_second,
        "changing": result.changing,
        "accounts": {name: _account_json(one) for name, one in result.accounts.items()},
        "folders": {name: _folder_json(one) for name, one in result.folders.items()},
    }


def _account_json(account: AccountResult) -> Mapping[str, object]:
    tally = account.tally
    return {
        "wanted": tally.wanted,
        "held": tally.held,
        "missing": tally.missing,
        "rejected": tally.rejected,
        "sync": tally.sync.value,
        "uploaded": account.uploaded,
        "copied": account.copied,
        "left_out": account.left_out,
        "rejections": by_reason(account.reasons.rejected),
        "troubles": by_reason(account.reasons.missing),
        "given_up": account.given_up,
        "why": account.trouble,
    }


def _folder_json(folder: FolderSummary) -> Mapping[str, object]:
    return {
        "files": folder.state.files,
        "skipped": by_reason(folder.skipped),
        "unreadable": by_reason(folder.unreadable),
        "unfinished": by_reason(folder.unfinished),
    }
