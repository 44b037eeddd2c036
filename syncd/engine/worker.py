"""The workers of one account: they take images from its queue, and upload or copy them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from syncd.config import BatchConfig
from syncd.engine.calls import Calls
from syncd.engine.copies import Copies
from syncd.engine.counters import CallKind
from syncd.engine.lane import Lane
from syncd.engine.queue import wait_for_batch
from syncd.engine.semaphore import FairByteSemaphore
from syncd.engine.sends import finish_in
from syncd.engine.uploads import Uploads
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import replicas, sources
from syncd.ledger.database import Ledger
from syncd.ledger.replicas import Facts
from syncd.ledger.sources import Loaded, Source
from syncd.model import Absent, AccountId, Digest
from syncd.rules.batch import Candidate, choose_batch, name_key
from syncd.rules.decide import Missing, Step, next_step
from syncd.rules.pacing.budget import Call

Fetch = Callable[[Sequence[tuple[Digest, Sequence[Source]]]], Awaitable[list[bytes | Absent]]]
"""Reads the bytes of images from any of their files, or returns why no file has them now."""


Cached = Callable[[AccountId, Sequence[Digest]], Sequence[Loaded | None]]
"""Returns the images whose bytes are in memory since they were digested; None for the others."""


class ImageFiles(msgspec.Struct, frozen=True):
    """The files of the images, as a worker needs them."""

    cached: Cached
    fetch: Fetch
    batch_delay: Callable[[], float]
    """Returns the seconds that it is worth waiting for a fuller POST now."""


class Role(msgspec.Struct, frozen=True):
    """How the folders use an account."""

    copies: bool
    """It is a mirror, and may copy images from other accounts."""
    deletes: bool
    """The deletions of a folder reach it."""


class Worker:
    """The work for one account; each of its workers is a task that runs `run`.

    A worker waits until the account takes a call, and takes the next digests. It decides with
    `next_step` from the facts in the ledger, reads the bytes or plans a copy, sends, and records
    the result. After a long wait it decides again.
    """

    def __init__(
        self,
        *,
        lane: Lane,
        ledger: Ledger,
        client: GraphClient,
        batch: BatchConfig,
        files: ImageFiles,
        in_flight: FairByteSemaphore,
        role: Role,
    ) -> None:
        self._lane = lane
        self._ledger = ledger
        self._client = client
        self._batch = batch
        self._files = files
        self._in_flight = in_flight
        self._role = role
        self._uploads = Uploads(lane, ledger, client)
        self._copies = Copies(lane, ledger, client)
        self._turn = asyncio.Lock()

    async def run(self, sends: asyncio.TaskGroup) -> None:
        """Work until cancelled; a call that is under way then is finished by `sends`."""
        lane, calls = self._lane, Calls(self._lane, sends)
        while True:
            async with self._turn:  # one at a time: else each would take a part of one POST
                await wait_for_batch(lane.queue, self._limit(), self._files.batch_delay)
                if lane.health.paused.awaits_read:
                    await self._probe(calls)
                    continue
                await lane.gate.enter()
                call = await lane.pacer.turn(
                    self._limit(), lambda: lane.queue.has_fresh, lambda: lane.missing
                )
                digests = lane.queue.take(call.images)
            await finish_in(sends, self._send(digests, call), f"send:{lane.name}")

    async def _probe(self, calls: Calls) -> None:
        """Send a read once the account takes calls: its response ends or extends the pause."""

        async def send(credentials: Credentials) -> tuple[None, Usage]:
            page = await self._client.library(self._lane.account, credentials, None, 1)
            return None, page.usage

        with contextlib.suppress(GraphError):  # `Calls` has delayed the next read
            await calls.make(CallKind.READ, send)

    def _limit(self) -> int:
        if self._lane.health.failing.failures.unknown:
            return 1  # an image alone shows whether the unknown error is about the call
        limits = self._lane.limitations.limits
        return limits.images_per_post(self._batch.images, time.time())

    async def _send(self, digests: Sequence[Digest], call: Call) -> None:
        batch = await self._choose(digests)
        if batch and self._role.deletes and not self._client.clock.has_been_read:
            digests = [facts.digest for facts in batch]
            if not await self._read_clock(digests, call):
                return
            batch = await self._choose(digests)
        if self._role.copies:
            copy, batch = await self._copies.choose(batch)
            if copy is not None:
                await self._copies.send(copy, call)
                return
        size = sum(facts.size for facts in batch)
        async with self._in_flight.acquire(self._lane.account, size) as waited:
            if waited:
                batch = await self._choose([facts.digest for facts in batch])
            await self._upload(await self._load(batch), call)

    async def _read_clock(self, digests: Sequence[Digest], call: Call) -> bool:
        """Read the clock by which the times of calls are recorded; return whether that succeeded.

        Otherwise the images are tried again later, as after a POST without a response.
        """
        lane, credentials = self._lane, self._lane.health.credentials
        if credentials is None:
            return True  # nothing is sent
        try:
            await self._client.read_clock(credentials)
        except GraphError as error:
            await lane.finish_call(CallKind.READ, call, error.usage, error=error.api_error)
            await lane.health.on_error(error, credentials, digests)
            images = dict.fromkeys(digests)  # their files have not been read from the ledger
            await lane.retry_later(images, str(error.api_error), error.api_error)
            return False
        return True

    async def _choose(self, digests: Sequence[Digest]) -> list[Facts]:
        """Return the images of the next POST; the others are done, or go back to the queue."""
        lane = self._lane
        known = await self._ledger.read(replicas.facts(lane.account, digests))
        candidates: list[Candidate] = []
        waiting: list[Digest] = []
        for digest in digests:
            facts = known.get(digest)
            match Step.REST if facts is None else self._step(facts):
                case Step.WAIT:
                    waiting.append(digest)
                case Step.SEND:
                    candidates.append(self._candidate(known[digest]))
                case Step.REST:
                    lane.done(digest)
        size = lane.limitations.limits.bytes_per_post(self._batch.bytes, time.time())
        batch, rest = choose_batch(candidates, self._batch.images, size)
        lane.queue.put_back([*(candidate.digest for candidate in rest), *waiting])
        return [known[candidate.digest] for candidate in batch]

    def _step(self, facts: Facts) -> Step:
        return next_step(
            Missing(
                wanted=facts.wanted,
                held=facts.held,
                rejected=facts.rejected,
                is_open=not self._lane.gate.is_shut,
            )
        )

    def _candidate(self, facts: Facts) -> Candidate:
        limit = self._lane.attempts[facts.digest].limit
        return Candidate(
            facts.digest,
            facts.size,
            self._batch.images if limit is None else limit,
            name_key(facts.name),
        )

    async def _load(self, batch: Sequence[Facts]) -> list[Loaded]:
        """Return the images with their bytes; one without an unchanged file is tried again later.

        An image in memory needs no query for its files, which takes a tenth of a backfill's CPU,
        unless its file has been renamed since it was read.
        """
        lane = self._lane
        cached = self._files.cached(lane.account, [facts.digest for facts in batch])
        loaded: list[Loaded] = []
        unread: list[Facts] = []
        for facts, image in zip(batch, cached, strict=True):
            if image is None or image.source.name != facts.name:
                unread.append(facts)
            else:
                loaded.append(image)
        return loaded + await self._read(unread) if unread else loaded

    async def _read(self, batch: Sequence[Facts]) -> list[Loaded]:
        lane = self._lane
        digests = [facts.digest for facts in batch]
        found = await self._ledger.read(sources.of_images(lane.account, digests))
        contents = await self._files.fetch(found)
        loaded: list[Loaded] = []
        absent: dict[Absent, dict[Digest, str | None]] = {}
        for facts, (_, files), content in zip(batch, found, contents, strict=True):
            if isinstance(content, Absent):
                file = str(files[0]) if files else None
                absent.setdefault(content, {})[facts.digest] = file
            else:
                loaded.append(Loaded(facts.digest, content, files[0], facts.format))
        for why, images in absent.items():
            await lane.retry_later(images, why.value)
        return loaded

    async def _upload(self, images: Sequence[Loaded], call: Call) -> None:
        lane = self._lane
        if self._role.deletes:
            images = await self._uploads.record_sending(images)
        credentials = lane.health.credentials
        if not images:
            lane.pacer.withdraw(call)
            lane.gate.cancel()
        elif lane.gate.is_shut or credentials is None:  # since the wait, or while files were read
            lane.pacer.withdraw(call)
            lane.gate.cancel()
            lane.queue.put_back([image.digest for image in images])
        else:
            await self._uploads.send(images, credentials, lane.pacer.resize(call, len(images)))
