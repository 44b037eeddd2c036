"""The pacer's turns, with the throttlers that count its windows once more."""

import asyncio

from syncd.engine.pacer import Pacer
from syncd.rules.pacing.budget import Call, End, Terms, Tier

DEADLINE = 5.0  # seconds; a turn that has to wait for the window takes 300


async def take(pacer: Pacer, *, is_fresh: bool, missing: int) -> Call:
    """Take a turn for one image, and finish its call."""
    async with asyncio.timeout(DEADLINE):
        call = await pacer.turn(1, lambda: is_fresh, lambda: missing)
    pacer.finish(call, End.TAKEN, None)
    return call


async def test_fresh_images_use_half_of_the_reserve_once_the_rest_is_used() -> None:
    pacer = Pacer(Terms(Tier.DEVELOPMENT, reserve=0.5))
    for _ in range(10):
        await take(pacer, is_fresh=True, missing=0)
    assert pacer.shares_used["points"] == 1
    await take(pacer, is_fresh=True, missing=0)
    await take(pacer, is_fresh=True, missing=0)


async def test_a_backlog_waits_for_its_turn_when_more_is_missing_than_fits() -> None:
    pacer = Pacer(Terms(Tier.DEVELOPMENT, reserve=0.1))
    for missing in range(12, 0, -1):
        await take(pacer, is_fresh=False, missing=missing)
    now = pacer.pace._clock
    assert pacer.pace.delay_of_backlog(now, Call(3, 1), 4) == 0
    assert pacer.pace.delay_of_backlog(now, Call(3, 1), 5) > 10
