"""The files of a folder that were not read, in words: one wording for status, plan and backfill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncd.images.unfinished import Unfinished
from syncd.ledger.queries import Count
from syncd.rules.forecast import amount


def unread(unreadable: Iterable[Count], unfinished: Iterable[Count]) -> Iterator[str]:
    """Yield how many files cannot be read or are not finished, for each reason."""
    for count in unreadable:
        yield f"cannot read {amount(count.count, 'file')}: {count.reason}"
    for count in unfinished:
        reason = Unfinished(count.reason).reason
        yield f"{amount(count.count, 'file')} not finished: {reason}"
