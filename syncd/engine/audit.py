"""The audit of one account: compares what it holds with what the ledger records."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from syncd.engine.calls import MAX_HASHES, Calls, Lookup, look_up
from syncd.engine.library import Begin, Library
from syncd.graph.client import GraphClient, GraphError
from syncd.ledger import alerts, audits, replicas, sources
from syncd.ledger.audits import AuditState, HeldImage
from syncd.ledger.database import Ledger
from syncd.log import Log, moment
from syncd.model import AccountName, ImageHash, Listed
from syncd.rules.audit import (
    CONFIRM_AFTER,
    MASS,
    Belief,
    Difference,
    believe,
    compare,
    next_response,
    read_interval,
)

log: Log = structlog.get_logger()

CHECK_INTERVAL = 60.0
"""Seconds between two checks whether an audit is due."""

EVERYTHING = "everything"
"""Scope of an audit that the operator requests: also list the whole account."""

HELD = "held"
"""Scope of an audit that the operator requests: look up the held images only."""

_MAX_NAMES = 20  # unknown images whose names a report has


@dataclass(slots=True)
class Report:
    """Counts of one audit: images looked up, and those that differ from the ledger."""

    images: int = 0
    gone: int = 0
    renamed: int = 0
    inactive: int = 0
    suspect: int = 0  # absent at once, and not believed: the audit was interrupted there
    total: int | None = None  # images in the account; None unless it was listed
    unknown: int | None = None  # those of them that the ledger does not know
    unknown_names: list[str] = field(default_factory=list)  # of the first `_MAX_NAMES`


class Audit:
    """The audits of one account.

    every is the seconds between two audits. With `restore`, images that the account has lost are
    missing again; otherwise they count as removed by hand. on_lost is called for each of them.
    """

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        client: GraphClient,
        every: float,
        *,
        restore: bool,
        on_lost: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client
        self._library = Library(calls, client)
        self._every = every
        self._restore = restore
        self._on_lost = on_lost
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Check now whether the operator has requested an audit."""
        self._woken.set()

    async def run(self) -> None:
        """Audit every `every` seconds and at the operator's request, until cancelled."""
        account = self._lane.account
        while True:
            self._woken.clear()
            state = await self._ledger.read(audits.state(account))
            if state.requested is not None:
                await self._run_logged(everything=state.requested == EVERYTHING, paced=False)
            elif state.began_at is not None:
                if not _is_waiting(state, time.time()):
                    await self._run_logged(everything=False, paced=True)
            elif state.ended_at is None:  # a new ledger: it needs no audit yet
                await self._ledger.write(audits.end(account, time.time()))
            elif abs(time.time() - state.ended_at) >= self._every:
                await self._run_logged(everything=False, paced=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(CHECK_INTERVAL, self._every)):
                    await self._woken.wait()

    async def _run_logged(self, *, everything: bool, paced: bool) -> None:
        try:
            await self.run_once(everything=everything, paced=paced)
        except GraphError as error:  # `Calls` handled it; the next check resumes the audit
            log.info("audit.interrupted", account=self._lane.name, why=str(error))

    async def run_once(self, *, everything: bool, paced: bool) -> Report:
        """Look up all held images, and list the whole account if `everything`.

        A `paced` audit is spread over its period, and resumes one that was interrupted. An audit
        that finds a mass change is interrupted before anything of it is recorded. Raises
        GraphError.
        """
        account, report, began = self._lane.account, Report(), time.monotonic()
        state = await self._ledger.read(audits.state(account))
        resumed = paced and state.began_at is not None
        last = state.position if resumed else 0
        if not resumed:
            await self._ledger.write(audits.begin(account, time.time()))
        held = await self._ledger.read(audits.count_held(account))
        pause = read_interval(-(-held // MAX_HASHES), self._every, self._lane.pacer.pace.budget)
        while rows := await self._ledger.read(audits.held_after(account, last, MAX_HASHES + MASS)):
            rows = rows[: next_response(len(rows), MAX_HASHES)]
            if not await self._compare(rows, last, report):
                return report
            if resumed:  # what interrupted it is usual again, or believed
                await self._trust("the account lists the images again")
            last = rows[-1].image_id
            await self._ledger.write(audits.record_progress(account, last))
            if paced:
                await asyncio.sleep(pause)
        await self._trust("the account lists the images again")
        if everything:
            await self._list_account(report)
        await self._ledger.write(audits.end(account, time.time()))
        log.info(
            "audit.done",
            account=self._lane.name,
            images=report.images,
            gone=report.gone,
            renamed=report.renamed,
            inactive=report.inactive,
            total=report.total,
            unknown=report.unknown,
            seconds=round(time.monotonic() - began, 3),
        )
        return report

    async def _compare(self, rows: Sequence[HeldImage], last: int, report: Report) -> bool:
        """Compare the images after the id `last`; return False if the response is not believed."""
        lookup = await self._look_up([row.hash for row in rows])
        unlisted = [row for row in rows if _is_gone(lookup, row)]
        absent = list[HeldImage]()
        if unlisted:  # a response may leave out images: only a second lookup counts
            second = await self._look_up([row.hash for row in unlisted])
            read = audits.held_after(self._lane.account, last, len(rows))
            held = {row.hash for row in await self._ledger.read(read)}  # syncd deletes meanwhile
            absent = [row for row in unlisted if _is_gone(second, row) and row.hash in held]
        if not await self._believe(len(absent), len(rows)):
            report.suspect = len(absent)
            return False
        report.images += len(rows)
        for row in rows:
            listed = lookup.images.get(row.hash)
            if listed is not None and not _is_gone(lookup, row):
                difference = compare(listed, row.name, row.status)
                await self._record(row, listed, difference, report)
        for row in absent:
            await self._record_lost(row, report)
        return True

    async def _believe(self, absent: int, compared: int) -> bool:
        """Return whether absent images are believed; log it where a mass change begins or ends."""
        account, now = self._lane.account, time.time()
        state = await self._ledger.read(audits.state(account))
        since = state.suspect_since
        suspect_for = None if since is None else now - since
        belief = believe(absent, compared, suspect_for=suspect_for, accepted=state.accepted)
        if belief is Belief.SUSPECT:
            if since is None or since > now:
                await self._ledger.write(audits.suspect(account, now))
            await self._log_suspect(f"it lists {absent} of {compared} held images no longer", now)
        elif belief is Belief.BELIEVED:
            why = "accepted by the operator" if state.accepted else "confirmed by a later audit"
            await self._trust(why, accepted=True)
        return belief is not Belief.SUSPECT

    async def _log_suspect(self, why: str, now: float) -> None:
        remedy = _remedy(self._lane.name)
        subject = self._lane.health.subject
        begin = alerts.begin("audit.suspect", subject, why, now, remedy=remedy)
        if await self._ledger.write(begin):
            log.error(
                "audit.suspect",
                account=self._lane.name,
                why=why,
                next_at=moment(now + CONFIRM_AFTER),
                remedy=remedy,
            )

    async def _trust(self, why: str, *, accepted: bool = False) -> None:
        """Record and log that a mass change has ended, if there was one."""
        state = await self._ledger.read(audits.state(self._lane.account))
        if state.suspect_since is None:
            return
        await self._ledger.write(audits.trust(self._lane.account, accepted=accepted))
        end = alerts.end("audit.suspect", self._lane.health.subject, time.time())
        duration = await self._ledger.write(end)
        log.notice("audit.trusted", account=self._lane.name, duration=duration, why=why)

    async def _look_up(self, hashes: Sequence[ImageHash]) -> Lookup:
        while True:  # the account may be paused meanwhile: then the next call waits
            if (lookup := await look_up(self._calls, self._client, hashes)) is not None:
                return lookup

    async def _record(
        self, row: HeldImage, listed: Listed, difference: Difference, report: Report
    ) -> None:
        report.renamed += difference is Difference.RENAMED
        report.inactive += difference is Difference.INACTIVE
        if (listed.name, listed.status.value) != (row.name, row.status):
            await self._ledger.write(audits.record_listed(self._lane.account, row.digest, listed))
        if difference is Difference.RENAMED:
            log.info(
                "image.renamed",
                account=self._lane.name,
                hash=row.hash,
                name=listed.name,
                previous_name=row.name,
            )
        elif difference is Difference.INACTIVE:
            log.warning(
                "image.inactive",
                account=self._lane.name,
                hash=row.hash,
                status=listed.status.value,
            )

    async def _record_lost(self, row: HeldImage, report: Report) -> None:
        account = self._lane.account
        files = await self._ledger.read(sources.of_image(account, row.digest, 1))
        dropped = await self._ledger.write(
            replicas.record_not_held(account, row.hash)
            if self._restore
            else audits.record_removed(account, row.hash)
        )
        if not dropped:  # syncd deleted it meanwhile
            return
        report.gone += 1
        self._on_lost()
        sent_again = bool(files) and self._restore
        log.warning(
            "image.lost",
            account=self._lane.name,
            file=str(files[0]) if files else None,
            hash=row.hash,
            sent_again=sent_again,
        )

    async def _list_account(self, report: Report) -> None:
        account, seen, unknown = self._lane.account, 0, 0
        async for page in self._library.pages():
            if isinstance(page, Begin):
                seen, unknown, report.unknown_names = 0, 0, []
                continue
            hashes = [listed.hash for listed in page.images]
            known = (
                await self._ledger.read(audits.known_hashes(account, hashes)) if hashes else set()
            )
            foreign = [listed for listed in page.images if listed.hash not in known]
            seen, unknown = seen + len(page.images), unknown + len(foreign)
            room = _MAX_NAMES - len(report.unknown_names)
            report.unknown_names += [
                f"{image.name or 'no name'} ({image.hash})" for image in foreign[:room]
            ]
            report.total = page.total if page.total is not None else seen
        report.unknown = unknown


def _is_waiting(state: AuditState, now: float) -> bool:
    """Return whether an interrupted audit has to wait until a mass change can be confirmed."""
    if state.suspect_since is None or state.accepted:
        return False
    return 0 <= now - state.suspect_since < CONFIRM_AFTER


def _is_gone(lookup: Lookup, row: HeldImage) -> bool:
    return compare(lookup.images.get(row.hash), None, None) is Difference.GONE


def _remedy(account: AccountName) -> str:
    return (
        f"look into the account: if the images are gone, run `syncd audit --accept {account}`;"
        " otherwise wait: the audit asks again in an hour, and believes the same response then"
    )
