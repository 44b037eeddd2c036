"""The first answer about a token: it is accepted, or it is said why not."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable

import structlog

from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.log import Log, elapsed
from syncd.rules.backoff import retry_delay
from syncd.rules.errors import Verdict, judge

log: Log = structlog.get_logger()

_PATIENCE = 30.0  # seconds between two questions, at most: somebody waits for the answer


def one_of_each_token(lanes: Iterable[Lane]) -> list[Lane]:
    """Return an account of each token that could be read."""
    found: dict[Credentials, Lane] = {}
    for lane in lanes:
        if lane.credentials is not None:
            found.setdefault(lane.credentials, lane)
    return list(found.values())


async def check_token(
    lane: Lane, client: GraphClient, outcomes: Outcomes, told: Callable[[str], None]
) -> None:
    """Ask whose the account's token is until there is an answer; `told` hears why there is none.

    A lane that is shut has had its answer, and was told of.
    """
    tries, since = 0, 0.0
    while (credentials := lane.credentials) is not None and not lane.gate.shut:
        try:
            me = await client.me(credentials)
        except GraphError as error:
            verdict = judge(error.fault)
            # Rights are no matter of this question: uploads show what holds of the account.
            if verdict not in (Verdict.RETRY, Verdict.STOP_ACCOUNT):
                verdict = await outcomes.troubled(lane, error, credentials)
            if verdict is not Verdict.RETRY:
                break
            why = str(error.fault)
        else:
            waited = elapsed(since, time.time()) if tries else None
            user = me.name or me.id
            log.notice("token.accepted", account=lane.name, user=user, duration=waited)
            return
        tries += 1
        if tries == 1:
            since = time.time()
            log.warning("token.unchecked", account=lane.name, why=why)
        told(why)
        await asyncio.sleep(min(_PATIENCE, retry_delay(tries, random.random())))  # noqa: S311  jitter
    if tries:
        log.notice("token.checked", account=lane.name, duration=elapsed(since, time.time()))
