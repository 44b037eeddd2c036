"""Throttles, tokens and permissions of a foreign server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from support.foreign_server import (
    Behaviour,
    ForeignServer,
    Reply,
    error,
    throttle,
    usage,
)  # fmt: skip
from support.foreign_trial import (
    MAIN,
    Trial,
    file_names,
    run_trial,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("fast_retries")


def of_main(
    minutes: object = 0, *, kind: str = "ads_management", **more: object
) -> dict[str, object]:
    return {
        "type": kind,
        "call_count": 100,
        "total_cputime": 25,
        "total_time": 25,
        "estimated_time_to_regain_access": minutes,
        "ads_api_access_tier": "development_access",
    } | more


MINUTE, BLOCK, HOUR = 60.0, 300.0, 3600.0
SCORE = (
    "X-Ad-Account-Usage",
    '{"acc_id_util_pct":100,"reset_time_duration":100,"ads_api_access_tier":"development_access"}',
)
THROTTLES: dict[str, tuple[Reply, float]] = {
    "80004": (throttle(80004, 2446079), BLOCK),
    "80004, 0 minutes": (throttle(80004, 2446079, usage({MAIN: [of_main(0)]})), BLOCK),
    "80004, 7 minutes": (throttle(80004, 2446079, usage({MAIN: [of_main(7)]})), 7 * MINUTE),
    "80004, the longest time of this edge's type": (
        throttle(
            80004,
            2446079,
            usage({MAIN: [of_main(7), of_main(55, kind="ads_insights"), of_main(0)]}),
        ),
        7 * MINUTE,
    ),
    "80004, minutes of another account too": (
        throttle(80004, 2446079, usage({"99": [of_main(500)], MAIN: [of_main(9)]})),
        9 * MINUTE,
    ),
    "80004, minutes of another account": (
        throttle(80004, 2446079, usage({"99": [of_main(500)]})),
        BLOCK,
    ),
    "80004, minutes as a string": (
        throttle(80004, 2446079, usage({MAIN: [of_main("8")]})),
        8 * MINUTE,
    ),
    "80004, minutes as a fraction": (
        throttle(80004, 2446079, usage({MAIN: [of_main(8.5)]})),
        8.5 * MINUTE,
    ),
    "80004, 200 %": (
        throttle(80004, 2446079, usage({MAIN: [of_main(6, call_count=214)]})),
        6 * MINUTE,
    ),
    "80004, not JSON": (throttle(80004, 2446079, ("X-Business-Use-Case-Usage", "{oops")), BLOCK),
    "80004, null": (
        throttle(80004, 2446079, ("X-Business-Use-Case-Usage", f'{{"{MAIN}":null}}')),
        BLOCK,
    ),
    "80004, a list": (throttle(80004, 2446079, ("X-Business-Use-Case-Usage", "[1,2]")), BLOCK),
    "80004, negative": (throttle(80004, 2446079, usage({MAIN: [of_main(-3)]})), BLOCK),
    "80004 as a string": (throttle("80004", "2446079"), BLOCK),  # type: ignore[arg-type]  # an invalid one
    "80004 with 200": (error(200, 80004, 2446079), BLOCK),
    "17": (throttle(17, 2446079), BLOCK),
    "17, within the block": (throttle(17, 2446079, usage({MAIN: [of_main(1)]})), BLOCK),
    "613/1487742": (throttle(613, 1487742, SCORE), BLOCK),
    "613/5044001": (throttle(613, 5044001), BLOCK),
    "613": (throttle(613, None), HOUR),
    "613, 1 minute": (throttle(613, None, usage({MAIN: [of_main(1)]})), HOUR),
    "368": (throttle(368, None), 4 * HOUR),
    "100/1404078": (throttle(100, 1404078), 4 * HOUR),
    "4": (error(403, 4, is_transient=True), BLOCK),
    "4, status 200": (error(200, 4), BLOCK),
}


@pytest.mark.parametrize("throttled", THROTTLES)
async def test_a_throttle_pauses_the_account_for_the_reported_or_documented_time(
    tmp_path: Path, throttled: str
) -> None:
    reply, least = THROTTLES[throttled]
    async with ForeignServer(Behaviour(rejects=lambda _post: reply)) as server:
        trial = Trial(tmp_path, server, pack="images = 2")
        trial.fill(file_names(12))
        began = time.monotonic()
        await trial.backfill(until=trial.is_paused)
        assert time.monotonic() - began < 10, "stopping while paused is immediate"
        assert len(server.posts) <= 4, "only what was already in flight"
        _, seconds = trial.pauses()[MAIN]
        assert seconds is not None
        assert least <= seconds <= 1.11 * least
        assert not trial.rejected()
        trial.check_complaints()
        before = len(server.posts)
        await trial.backfill(until=trial.is_paused)
        assert len(server.posts) == before, "a pause survives a restart"


async def test_the_response_to_a_call_sent_before_a_pause_does_not_end_it(tmp_path: Path) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(30)]}))
    posts: list[object] = []

    def rejects(post: object) -> Reply | None:
        posts.append(post)
        if len(posts) == 1:  # it goes alone; the next ones have no response until the pause
            asyncio.get_running_loop().call_soon(server.may_respond.clear)
        return reply if len(posts) == 3 else None

    async with ForeignServer(Behaviour(rejects=rejects)) as server:
        trial = Trial(tmp_path, server, pack="images = 2")
        trial.fill(file_names(20))

        def is_done() -> bool:
            if not trial.is_paused():
                return False
            server.may_respond.set()
            return len(trial.held()) > 2

        await trial.backfill(until=is_done)
        assert trial.pauses().keys() == {MAIN}
        assert 3 <= len(posts) <= 5


@pytest.mark.parametrize("minutes", [10**9, 10**30])
async def test_a_pause_has_an_upper_bound_whatever_the_header_reports(
    tmp_path: Path, minutes: int
) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(minutes)]}))
    async with ForeignServer(Behaviour(rejects=lambda _post: reply)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(1))
        await trial.backfill(until=trial.is_paused)
        _, seconds = trial.pauses()[MAIN]
        assert seconds is not None
        assert BLOCK <= seconds <= 48 * HOUR


async def test_a_throttle_of_one_account_pauses_no_other(tmp_path: Path) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(30)]}))
    behaviour = Behaviour(rejects=lambda post: reply if post.account == MAIN else None)
    async with ForeignServer(behaviour) as server:
        trial = Trial(tmp_path, server, mirrors=("42",))
        trial.fill(file_names(5))
        await trial.backfill(until=lambda: len(trial.held("42")) == 5 and trial.is_paused())
        trial.check_in_sync(account="42")
        assert trial.pauses().keys() == {MAIN}


async def test_a_throttle_of_the_app_pauses_every_account_of_the_token(tmp_path: Path) -> None:
    reply = error(403, 4, is_transient=True)
    async with ForeignServer(Behaviour(rejects=lambda _post: reply)) as server:
        trial = Trial(tmp_path, server, mirrors=("42", "43"))
        trial.fill(file_names(5))
        await trial.backfill(until=trial.is_paused)
        assert trial.pauses().keys() == {MAIN, "42", "43"}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Business-Use-Case-Usage", "not JSON"), ("X-Ad-Account-Usage", "null")],
        [("X-Business-Use-Case-Usage", ""), ("X-App-Usage", "[]")],
        [("X-Ad-Account-Usage", '{"acc_id_util_pct":"9.67","reset_time_duration":null}')],
        [("X-Business-Use-Case-Usage", f'{{"{MAIN}":[null,7,{{}},{{"type":7}}]}}')],
        [("X-App-Usage", '{"call_count":1e999}')],
        [usage({str(n): [of_main(n)] for n in range(32)})],
    ],
    ids=[
        "none",
        "not JSON",
        "empty",
        "strings",
        "unknown forms",
        "infinite",
        "many accounts",
    ],
)
async def test_a_usage_header_that_is_unreadable_or_of_others_does_no_harm(
    tmp_path: Path, headers: list[tuple[str, str]]
) -> None:
    trial = await run_trial(
        tmp_path, Behaviour(headers=lambda _a: headers, lower_case=True), names=file_names(3)
    )
    assert len(trial.server.posts) == 1
    assert not trial.pauses()


@pytest.mark.parametrize(
    "headers",
    [
        [
            usage(
                {MAIN: [of_main(0, call_count=250)], "99": [of_main(77), of_main(88, kind="pages")]}
            )
        ],
        [usage({MAIN: [of_main(0)]}), usage({"99": [of_main(5)]})],
    ],
    ids=["over 100", "twice"],
)
async def test_an_exhausted_limit_in_a_header_pauses_its_account_alone(
    tmp_path: Path, headers: list[tuple[str, str]]
) -> None:
    trial = await run_trial(
        tmp_path, Behaviour(headers=lambda _a: headers, lower_case=True), names=file_names(3)
    )
    assert len(trial.server.posts) == 1
    ((account, (kind, seconds)),) = trial.pauses().items()
    assert (account, kind) == (MAIN, "usage")
    assert seconds is not None
    assert 0 < seconds <= 1.01 * HOUR


STOPS = {
    "190": error(400, 190, 463),
    "190 with 401": error(401, 190),
    "190 as a text": error(400, "190"),
    "190 with 200": error(200, 190),
    "102": error(400, 102),
    "415": error(400, 415),
    "200": error(403, 200),
    "10": error(400, 10),
    "3": error(400, 3),
    "294": error(400, 294),
    "2635": error(400, 2635),
    "100/33": error(400, 100, 33),
}


@pytest.mark.parametrize("stop", STOPS)
async def test_an_account_without_access_stops_at_once(tmp_path: Path, stop: str) -> None:
    async with ForeignServer(Behaviour(rejects=lambda _post: STOPS[stop])) as server:
        trial = Trial(tmp_path, server, pack="images = 2")
        trial.fill(file_names(20))
        result = await trial.backfill()
        assert not result.in_sync
        assert len(server.posts) <= 4
        assert not trial.held()
        assert not trial.rejected()
        trial.check_complaints()
