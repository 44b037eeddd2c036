"""The end of a backfill: what each account got, and why images and files are not sent."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog

from syncd.daemon.runtime import Runtime
from syncd.engine.lane import Lane
from syncd.engine.part import Part
from syncd.engine.stats import reasons
from syncd.ledger import queries, selection
from syncd.ledger.queries import FolderSummary, Tally
from syncd.ledger.selection import Reasons
from syncd.log import Log
from syncd.model import AccountName, FolderName
from syncd.rules.sync import Sync, worst

log: Log = structlog.get_logger()

MAX_FAILURES = 8
"""Consecutive failed calls after which a backfill gives up an account."""


class AccountResult(msgspec.Struct, frozen=True, kw_only=True):
    """The images of the part that the backfill worked on, in one account."""

    tally: Tally
    uploaded: int
    copied: int
    left_out: int  # missing images that are not of the part
    reasons: Reasons
    given_up: bool
    """The account is stopped, or its calls fail."""
    trouble: str | None  # why the account takes no calls


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a backfill: what each account holds, and how far that is everything."""

    accounts: Mapping[AccountName, AccountResult]
    folders: Mapping[FolderName, FolderSummary]
    changing: int  # files that were still written
    seconds: float
    interrupted: bool

    @property
    def tallies(self) -> Mapping[AccountName, Tally]:
        """The numbers of each account's images."""
        return {name: account.tally for name, account in self.accounts.items()}

    @property
    def sent(self) -> int:
        """How many images were uploaded or copied."""
        return sum(one.uploaded + one.copied for one in self.accounts.values())

    @property
    def left_out(self) -> int:
        """How many images are missing that are not of the part."""
        return sum(one.left_out for one in self.accounts.values())

    @property
    def images_per_second(self) -> float:
        """The images that were sent, for each second of the backfill."""
        return round(self.sent / self.seconds, 1) if self.seconds > 0 else 0.0

    @property
    def given_up(self) -> tuple[AccountName, ...]:
        """The accounts that are stopped or whose calls fail."""
        return tuple(name for name, one in self.accounts.items() if one.given_up)

    @property
    def sync(self) -> Sync:
        """How far all accounts together are in sync, as far as the part goes."""
        if self.interrupted or self.changing:
            return Sync.MISSING
        return worst(tally.sync for tally in self.tallies.values())

    @property
    def in_sync(self) -> bool:
        """Whether every account holds every image of the part."""
        return self.sync is Sync.IN_SYNC


def of_part(tally: Tally, lane: Lane, part: Part) -> Tally:
    """Return the numbers of an account of which `part` has a limit.

    Once the limit is reached, only the images that count towards it are of the part.
    """
    if not part.is_exhausted:
        return tally
    done = lane.counters.images + lane.counters.rejected
    return msgspec.structs.replace(
        tally,
        missing=max(0, part.admitted(lane.account) - done),
        rejected=lane.counters.rejected,
        unread=0,
        unscanned=0,
    )


def is_given_up(lane: Lane) -> bool:
    """Return whether a backfill does not wait for an account."""
    failed_calls = lane.health.failing.failures.calls
    is_closed = lane.gate.is_locked or lane.health.stopped is not None
    return is_closed or failed_calls >= MAX_FAILURES


async def result_of(runtime: Runtime, seconds: float, *, interrupted: bool) -> Result:
    """Return the result of a backfill that took `seconds`."""
    part = runtime.work.part
    changing = 0 if part.is_exhausted else runtime.disk.intake.pending
    return Result(
        accounts={
            lane.name: await _account_result(runtime, lane)
            for lane in runtime.engine.lanes.values()
        },
        folders={
            name: await runtime.ledger.read(queries.folder_summary(name))
            for name in runtime.work.selection.folders
        },
        changing=changing,
        seconds=seconds,
        interrupted=interrupted,
    )


async def _account_result(runtime: Runtime, lane: Lane) -> AccountResult:
    ledger, part = runtime.ledger, runtime.work.part
    found = await ledger.read(selection.tally(lane.account, part.folders))
    everything = await ledger.read(queries.tally(lane.account)) if part.folders else found
    tally = of_part(found, lane, part)
    return AccountResult(
        tally=tally,
        uploaded=lane.counters.images - lane.counters.copied,
        copied=lane.counters.copied,
        left_out=max(0, everything.missing - tally.missing),
        reasons=await ledger.read(selection.reasons(lane.account, part.folders)),
        given_up=is_given_up(lane),
        trouble=lane.trouble,
    )


def log_result(result: Result) -> None:
    """Log what each account got."""
    for name, account in result.accounts.items():
        tally = account.tally
        log.info(
            "backfill.done",
            account=name,
            wanted=tally.wanted,
            held=tally.held,
            missing=tally.missing,
            rejected=tally.rejected,
            sync=tally.sync.value,
            uploaded=account.uploaded,
            copied=account.copied,
            left_out=account.left_out,
            rejections=reasons(account.reasons.rejected),
            troubles=reasons(account.reasons.missing),
            why=account.trouble,
            seconds=round(result.seconds, 1),
        )
