"""A worker takes what waits, asks what is to be done, does it, and records what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from syncd.config import BatchConfig
from syncd.engine.copies import choose_copy, send_copy
from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.engine.pacer import End, end_of
from syncd.engine.semaphore import FairByteSemaphore
from syncd.engine.upload import Loaded, match_answer, named_parts
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.ledger import replicas
from syncd.ledger.database import Ledger
from syncd.ledger.replicas import Facts, Source
from syncd.log import Log
from syncd.model import Absent, Digest
from syncd.rules.batch import Candidate, choose_pack
from syncd.rules.decide import Step, View, next_step
from syncd.rules.pacing.budget import Call

log: Log = structlog.get_logger()


Fetch = Callable[[Sequence[tuple[Digest, Sequence[Source]]]], Awaitable[list[bytes | Absent]]]
"""Reads the bytes of images from any of their files, or tells why no file has them now."""


class Errand(msgspec.Struct, frozen=True):
    """What a worker of one account works with."""

    lane: Lane
    ledger: Ledger
    client: GraphClient
    pack: BatchConfig
    fetch: Fetch
    outcomes: Outcomes
    in_flight: FairByteSemaphore
    patience: Callable[[], float]  # seconds worth waiting for company, before a POST


async def work(errand: Errand, carrying: asyncio.TaskGroup) -> None:
    """Work until cancelled; a POST that is under way then belongs to `carrying`, and ends well."""
    lane = errand.lane
    while True:
        async with lane.turn:  # one at a time, or they would share out what is to share a POST
            await lane.queue.ready(_limit(errand), errand.patience)
            await lane.gate.pass_through()
            call = await lane.pacer.turn(
                _limit(errand), lambda: lane.queue.has_fresh, lane.queue.stirred
            )
            digests = lane.queue.take(call.images)
        task = carrying.create_task(_carry_out(errand, digests, call), name=f"send:{lane.name}")
        await asyncio.shield(task)


def _limit(errand: Errand) -> int:
    return errand.lane.sharing.limit(errand.pack.images, time.time())


async def _carry_out(errand: Errand, digests: Sequence[Digest], call: Call) -> None:
    lane = errand.lane
    pack = await _choose(errand, digests)
    if lane.mirrors and (copy := await choose_copy(errand.ledger, lane, pack)) is not None:
        await send_copy(errand.ledger, errand.client, errand.outcomes, copy, call)
        return
    size = sum(facts.size for facts in pack)
    async with errand.in_flight.carry(lane.account, size) as waited:
        if waited:
            pack = await _choose(errand, [facts.digest for facts in pack])
        loaded = await _load(errand, pack)
        sent = [image.digest for image in loaded]
        if lane.deletes:  # a crash must not make them somebody else's
            await errand.ledger.write(replicas.sending(lane.account, sent, time.time()))
        if not loaded:
            lane.pacer.withdraw(call)
            lane.gate.turn_back()
        elif lane.gate.shut or lane.credentials is None:  # while we waited, or files were read
            lane.pacer.withdraw(call)
            lane.queue.put_back(sent)
        else:
            call = lane.pacer.resize(call, len(loaded))
            await _send(errand, lane.credentials, loaded, call)


async def _choose(errand: Errand, digests: Sequence[Digest]) -> list[Facts]:
    """Ask what is to be done about each digest; answer those that share the next POST."""
    lane = errand.lane
    facts = await errand.ledger.read(replicas.facts(lane.account, digests))
    candidates: list[Candidate] = []
    waiting: list[Digest] = []
    for digest in digests:
        known = facts.get(digest)
        if known is None:
            lane.done(digest)
            continue
        view = View(known.wanted, known.held, known.rejected, open=not lane.gate.shut)
        match next_step(view):
            case Step.WAIT:
                waiting.append(digest)
            case Step.BRING:
                limit = lane.limits.get(digest, errand.pack.images)
                candidates.append(Candidate(digest, known.size, limit))
            case _:
                lane.done(digest)
    pack, rest = choose_pack(candidates, errand.pack.images, errand.pack.bytes)
    lane.queue.put_back([*(candidate.digest for candidate in rest), *waiting])
    return [facts[candidate.digest] for candidate in pack]


async def _load(errand: Errand, pack: Sequence[Facts]) -> list[Loaded]:
    """Read the images' bytes; one whose files have all changed waits until they have settled."""
    digests = [facts.digest for facts in pack]
    sources = await errand.ledger.read(replicas.sources_of(errand.lane.account, digests))
    contents = await errand.fetch(sources)
    loaded: list[Loaded] = []
    absent: dict[Absent, list[tuple[Digest, str]]] = {}
    for facts, (_, files), content in zip(pack, sources, contents, strict=True):
        if isinstance(content, Absent):
            where = str(files[0]) if files else facts.digest.hex()
            absent.setdefault(content, []).append((facts.digest, where))
        else:
            loaded.append(Loaded(facts.digest, content, files[0], facts.format))
    for why, images in absent.items():
        await errand.outcomes.later(errand.lane, images, why.value)
    return loaded


async def _send(
    errand: Errand, credentials: Credentials, images: Sequence[Loaded], call: Call
) -> None:
    lane, outcomes = errand.lane, errand.outcomes
    lane.counters.calls += 1
    began, sent_at = time.monotonic(), time.time()
    parts = named_parts(images)
    try:
        if len(images) == 1 and images[0].digest in lane.as_bytes:
            content = images[0].content
            answer = await errand.client.upload_bytes(lane.account, credentials, content)
        else:
            answer = await errand.client.upload(lane.account, credentials, parts)
    except GraphError as error:
        await errand.ledger.write(await lane.spent(call, end_of(error.fault), error.usage))
        await outcomes.refused(lane, images, error, credentials)
        return
    spending = await lane.spent(call, End.TAKEN, answer.usage)
    log.debug(
        "upload.done",
        account=lane.name,
        images=len(images),
        bytes=sum(len(image.content) for image in images),
        seconds=round(time.monotonic() - began, 3),
        usage_percent=answer.usage.percent,
    )
    taken, unnamed = match_answer(images, parts, answer.entries)
    await outcomes.taken(lane, taken, len(images), spending, sent_at)
    await outcomes.unnamed(lane, unnamed, len(images))
