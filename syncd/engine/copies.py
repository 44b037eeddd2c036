"""Copies: an image of a mirror comes out of an account that holds it, without its bytes."""

from __future__ import annotations

import time

import msgspec

from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.engine.pacer import End, end_of
from syncd.graph.client import GraphClient, GraphError
from syncd.ledger import copies, replicas
from syncd.ledger.copies import Holder
from syncd.ledger.database import Ledger
from syncd.ledger.replicas import Facts
from syncd.model import Copying, Digest
from syncd.rules.copy import LOOK_FOR_IT, is_copied
from syncd.rules.pacing.budget import Call


class Copy(msgspec.Struct, frozen=True):
    """What is copied, into the account of a lane, and out of which account."""

    lane: Lane
    digest: Digest
    source: Holder


async def choose_copy(ledger: Ledger, lane: Lane, pack: list[Facts]) -> Copy | None:
    """Return the copy that goes instead of a pack's bytes, if one should.

    What is not part of the next call waits on, and leaves the pack.
    """
    if not pack:
        return None
    wanted = [facts.digest for facts in pack]
    held, soon = await ledger.read(copies.sources(lane.account, wanted, time.time()))
    sources: dict[Digest, Holder] = {}
    for digest, found in held.items():
        tried = lane.not_from.get(digest, ())
        if (source := next((h for h in found.holders if h.account not in tried), None)) is not None:
            sources[digest] = source
    waited_for = soon.difference(sources)
    for digest in waited_for:
        lane.queue.later(digest, LOOK_FOR_IT)
    pack[:] = [facts for facts in pack if facts.digest not in waited_for]
    digests = [facts.digest for facts in pack]
    if not (sources and pack):
        return None
    first, size = digests[0], sum(facts.size for facts in pack)
    if first in sources and is_copied(held[first].how, len(pack), size):
        lane.queue.put_back(digests[1:])
        return Copy(lane, first, sources[first])
    later = [d for d in digests if d in sources and held[d].how is Copying.COPY]
    lane.queue.put_back(later)
    pack[:] = [facts for facts in pack if facts.digest not in later]
    return None


async def send_copy(
    ledger: Ledger, client: GraphClient, outcomes: Outcomes, copy: Copy, call: Call
) -> None:
    """Ask for one copy, with the call that was granted."""
    lane, digest, source = copy.lane, copy.digest, copy.source
    call = lane.pacer.resize(call, 1)
    files = await ledger.read(replicas.sources(lane.account, digest, 1))
    file = str(files[0]) if files else digest.hex()
    await ledger.write(replicas.sending(lane.account, [digest], time.time()))
    credentials = lane.credentials
    if lane.gate.shut or credentials is None:
        lane.pacer.withdraw(call)
        lane.queue.put_back([digest])
        return
    lane.counters.calls += 1
    try:
        answer = await client.copy(lane.account, credentials, source.account, source.hash)
    except GraphError as error:
        await ledger.write(await lane.spent(call, end_of(error.fault), error.usage))
        await outcomes.copy_refused(lane, digest, file, source, error, credentials)
        return
    await ledger.write(await lane.spent(call, End.TAKEN, answer.usage))
    if len(answer.entries) == 1:
        (entry,) = answer.entries.values()
        await outcomes.copied(lane, digest, file, entry, source)
    else:
        await outcomes.copy_unnamed(lane, digest, source)
