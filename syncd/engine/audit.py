"""The audit of one account: what it really holds, against what the ledger believes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from syncd.engine.calls import Calls
from syncd.engine.lookup import MAX_HASHES, Lookup, look_up
from syncd.graph.client import Credentials, GraphClient, GraphError, Page
from syncd.graph.shapes import Usage
from syncd.ledger import audits, replicas
from syncd.ledger.audits import Believed
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import ImageHash, Listed
from syncd.rules.audit import Difference, between_reads, compare
from syncd.rules.pacing.budget import READ

log: Log = structlog.get_logger()

LOOK_EVERY = 60.0
"""Seconds between two looks whether an audit is due."""

PAGE = 1000
"""Images of one page of a listing: what is used in production."""

EVERYTHING = "everything"
HELD = "held"
"""What a person may ask for: a listing of all that is there, or of what should be."""

_NAMED = 20  # unknown images that a report names


@dataclass(slots=True)
class Report:
    """What an audit has found: images asked about, and how many of them differ."""

    images: int = 0
    gone: int = 0
    renamed: int = 0
    internal: int = 0
    total: int | None = None  # in the account, by a listing
    unknown: int | None = None  # of them, those that the ledger does not know
    named: list[str] = field(default_factory=list)  # the first of these


class Audit:
    """Audits one account. `every` is in seconds; `changed` is called when images are missing."""

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        client: GraphClient,
        every: float,
        *,
        restore: bool,
        changed: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client
        self._every = every
        self._restore = restore
        self._changed = changed
        self._told = asyncio.Event()

    def look_again(self) -> None:
        """A person may have asked for an audit."""
        self._told.set()

    async def run(self) -> None:
        """Audit on the period, and when a person asks; until cancelled."""
        account = self._lane.account
        while True:
            self._told.clear()
            standing = await self._ledger.read(audits.standing(account))
            if standing.asked is not None:
                await self._try(everything=standing.asked == EVERYTHING, paced=False)
            elif standing.began is not None:
                await self._try(everything=False, paced=True)
            elif standing.ended is None:  # a new ledger: what it holds has just come
                await self._ledger.write(audits.end(account, time.time()))
            elif abs(time.time() - standing.ended) >= self._every:
                await self._try(everything=False, paced=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_EVERY, self._every)):
                    await self._told.wait()

    async def _try(self, *, everything: bool, paced: bool) -> None:
        try:
            await self.whole(everything=everything, paced=paced)
        except GraphError as error:  # the account was treated accordingly; the next look goes on
            log.info("audit.interrupted", account=self._lane.name, why=str(error))

    async def whole(self, *, everything: bool, paced: bool) -> Report:
        """Compare all that is believed to be held, and list what is there, if `everything`.

        An audit that is `paced` is spread over its period, and goes on where the last one was
        interrupted. Raises GraphError.
        """
        account, report, began = self._lane.account, Report(), time.time()
        standing = await self._ledger.read(audits.standing(account))
        last = standing.audited_to if paced and standing.began is not None else b""
        if standing.began is None or not paced:
            await self._ledger.write(audits.begin(account, began))
        held = await self._ledger.read(audits.held(account))
        pause = between_reads(-(-held // MAX_HASHES), self._every, self._lane.pacer.pace.budget)
        while rows := await self._ledger.read(audits.believed_after(account, last, MAX_HASHES)):
            await self._compare(rows, report)
            last = rows[-1].digest
            await self._ledger.write(audits.reach(account, last))
            if paced:
                await asyncio.sleep(pause)
        if everything:
            await self._list(report)
        await self._ledger.write(audits.end(account, time.time()))
        log.info(
            "audit.done",
            account=self._lane.name,
            images=report.images,
            gone=report.gone,
            renamed=report.renamed,
            internal=report.internal,
            total=report.total,
            unknown=report.unknown,
            seconds=round(time.time() - began, 3),
        )
        return report

    async def _compare(self, rows: Sequence[Believed], report: Report) -> None:
        asked = await self._ask([row.hash for row in rows])
        report.images += len(rows)
        absent = []
        for row in rows:
            listed = asked.images.get(row.hash)
            difference = compare(listed, row.name, row.status)
            if difference is Difference.GONE or listed is None:
                absent.append(row)
                continue
            await self._note(row, listed, difference, report)
        if absent:  # an answer may lack what is there: what is asked for twice is gone
            again = await self._ask([row.hash for row in absent])
            for row in absent:
                listed = again.images.get(row.hash)
                if compare(listed, None, None) is Difference.GONE:
                    await self._drop(row, report)

    async def _ask(self, hashes: Sequence[ImageHash]) -> Lookup:
        while True:  # the account may be shut meanwhile, and then this waits until it is not
            if (asked := await look_up(self._calls, self._client, hashes)) is not None:
                return asked

    async def _note(
        self, row: Believed, listed: Listed, difference: Difference, report: Report
    ) -> None:
        report.renamed += difference is Difference.RENAMED
        report.internal += difference is Difference.INTERNAL
        if (listed.name, listed.status.value) != (row.name, row.status):
            await self._ledger.write(audits.said(self._lane.account, row.digest, listed))
        if difference is Difference.RENAMED:
            log.info(
                "image.renamed",
                account=self._lane.name,
                hash=row.hash,
                name=listed.name,
                previous_name=row.name,
            )
        elif difference is Difference.INTERNAL:
            log.warning(
                "image.inactive",
                account=self._lane.name,
                hash=row.hash,
                status=listed.status.value,
            )

    async def _drop(self, row: Believed, report: Report) -> None:
        account, now = self._lane.account, time.time()
        files = await self._ledger.read(replicas.sources(account, row.digest, 1))
        dropped = await self._ledger.write(
            replicas.no_longer_held(account, row.hash)
            if self._restore
            else audits.removed(account, row.hash, now)
        )
        if not dropped:  # it was deleted meanwhile, as it should be
            return
        report.gone += 1
        self._changed()
        sent_again = bool(files) and self._restore
        log.warning(
            "image.lost",
            account=self._lane.name,
            file=str(files[0]) if files else None,
            hash=row.hash,
            sent_again=sent_again,
        )

    async def _list(self, report: Report) -> None:
        account, after = self._lane.account, None
        report.unknown, seen, passed = 0, 0, set[str | None]()
        while after not in passed:

            async def send(
                credentials: Credentials, after: str | None = after
            ) -> tuple[Page, Usage]:
                page = await self._client.library(account, credentials, after, PAGE)
                return page, page.usage

            if (page := await self._calls.make(READ, send)) is None:
                continue
            seen += len(page.images)
            report.total = page.total if page.total is not None else seen
            hashes = [listed.hash for listed in page.images]
            known = await self._ledger.read(audits.known(account, hashes)) if hashes else set()
            strangers = [listed for listed in page.images if listed.hash not in known]
            report.unknown += len(strangers)
            room = _NAMED - len(report.named)
            report.named += [f"{s.name or 'nameless'} ({s.hash})" for s in strangers[:room]]
            passed.add(after)  # a list that leads back to where it was has no end
            after = page.after
            if after is None:
                return
