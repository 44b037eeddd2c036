"""Pauses that usage headers ask for: one for each account, visible, stored, ended by the operator.

The headers themselves are read by `graph/shapes`; u/graph/test_shapes has their forms.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig, until

from syncd.ledger.file import changing
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome

DAY = 24 * 3600
OTHER_TYPE = {"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": 99}
UNKNOWN_TYPE = {"type": "ads_of_tomorrow", "call_count": 100}
FOREVER = {"type": "ads_management", "estimated_time_to_regain_access": 999_999}
ABSURD = {"type": "ads_management", "call_count": 900_000}
A_MINUTE = {"type": "ads_management", "estimated_time_to_regain_access": 1}


def report(rig: Rig, entry: dict[str, object] | None) -> None:
    """Let the sandbox add an entry to its usage header."""
    text = "" if entry is None else json.dumps(entry)
    rig.sandbox.switches = replace(rig.sandbox.switches, usage_entry=text)


def logged(logs: Sequence[Any], event: str, level: str | None = None) -> list[Any]:
    return [e for e in logs if e["event"] == event and level in (None, e["log_level"])]


def pauses(rig: Rig) -> list[Any]:
    return rig.rows("SELECT kind, until, why FROM pause")


async def command(rig: Rig, name: str, *options: str) -> Ended:
    return await syncd(rig, name, "--config", str(rig.write_config()), *options)


def held(rig: Rig, *numbers: int) -> bool:
    return all(rig.holds(picture(number)) for number in numbers)


@pytest.mark.parametrize(
    ("entry", "seconds"), [(FOREVER, DAY), (UNKNOWN_TYPE, 300), (ABSURD, 3600)]
)
async def test_a_header_that_closes_an_account_is_one_pause_with_its_reason(
    rig: Rig, entry: dict[str, object], seconds: int
) -> None:
    report(rig, entry)
    with capture_logs() as logs:
        async with rig.running():
            rig.write("a.jpg", picture(1))
            await until(lambda: bool(logged(logs, "account.paused")))
            calls = rig.sandbox.counts.calls("1", "upload")
            rig.write("b.jpg", picture(2))
            await until(lambda: bool(rig.rows("SELECT 1 FROM replicas WHERE state = 'missing'")))
            shown = json.loads((await command(rig, "status", "--json")).out)
            state = " ".join((await command(rig, "status")).out.split())
    (paused,) = logged(logs, "account.paused", "warning")
    assert 0.9 * seconds <= paused["seconds"] <= 1.01 * seconds
    assert paused["kind"] == "usage"
    ((kind, until_, why),) = pauses(rig)
    assert (kind, why) == ("usage", paused["why"])
    assert until_ <= time.time() + 1.01 * seconds
    assert shown["accounts"]["main"]["pause"]["why"] == why
    assert "paused until" in state
    assert why in state
    assert rig.sandbox.counts.calls("1", "upload") == calls


async def test_a_use_case_that_is_not_about_images_pauses_nothing(rig: Rig) -> None:
    report(rig, OTHER_TYPE)
    with capture_logs() as logs:
        async with rig.running():
            for number in range(4):
                rig.write(f"{number}.jpg", picture(number))
                await until(lambda number=number: held(rig, number))  # type: ignore[misc]  # bound
    assert not logged(logs, "account.paused")
    assert pauses(rig) == []


async def test_a_closing_of_a_minute_is_kept_without_an_event(rig: Rig) -> None:
    report(rig, A_MINUTE)
    with capture_logs() as logs:
        async with rig.running():
            rig.write("a.jpg", picture(1))
            await until(lambda: bool(pauses(rig)))
    assert not logged(logs, "account.paused")
    with capture_logs() as logs:
        async with rig.running() as runtime:
            (lane,) = runtime.engine.lanes.values()
            await until(lambda: lane.health.paused.left > 0)
            assert lane.gate.is_shut
    assert not logged(logs, "account.paused")


@pytest.mark.parametrize("entry", [FOREVER, ABSURD])
async def test_the_operator_ends_a_pause_that_headers_asked_for(
    rig: Rig, entry: dict[str, object]
) -> None:
    report(rig, entry)
    with capture_logs() as logs:
        async with rig.running():
            rig.write("a.jpg", picture(1))
            await until(lambda: bool(logged(logs, "account.paused")))
            rig.write("b.jpg", picture(2))
            await until(lambda: bool(rig.rows("SELECT 1 FROM replicas WHERE state = 'missing'")))
            report(rig, None)
            ended = await command(rig, "retry")
            await until(lambda: held(rig, 1, 2))
    assert ended.out == "1 account will be tried again\n"
    assert len(logged(logs, "account.retried")) == 1
    assert pauses(rig) == []


async def test_the_operator_does_not_end_a_pause_that_an_error_asked_for(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", times=1, on="upload"))
    with capture_logs() as logs:
        async with rig.running():
            rig.write("a.jpg", picture(1))
            await until(lambda: bool(logged(logs, "account.paused")))
            ended = await command(rig, "retry")
    assert ended.out.startswith("0 accounts will be tried again\nmain stays paused: 80004")
    assert len(pauses(rig)) == 1


async def test_a_pause_that_headers_asked_for_continues_after_a_restart(rig: Rig) -> None:
    report(rig, FOREVER)
    with capture_logs() as logs:
        async with rig.running():
            rig.write("a.jpg", picture(1))
            await until(lambda: bool(logged(logs, "account.paused")))
    calls = rig.sandbox.counts.calls("1", "upload")
    with capture_logs() as logs:
        async with rig.running():
            rig.write("b.jpg", picture(2))
            await until(lambda: bool(rig.rows("SELECT 1 FROM replicas WHERE state = 'missing'")))
    assert len(logged(logs, "account.paused", "warning")) == 1
    assert rig.sandbox.counts.calls("1", "upload") == calls


@pytest.mark.parametrize("entry", [None, FOREVER])
async def test_after_a_pause_of_a_day_a_read_shows_whether_the_account_takes_images(
    rig: Rig, entry: dict[str, object] | None
) -> None:
    report(rig, FOREVER)
    async with rig.running():
        rig.write("a.jpg", picture(1))
        await until(lambda: bool(pauses(rig)))
    kinds = []

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        if call.account == "1":
            kinds.append(str(call.kind))
        return outcome

    rig.sandbox.on_response = respond
    report(rig, entry)
    with changing(rig.ledger) as db:  # a day passes
        db.execute("UPDATE pause SET since = since - ?1, until = until - ?1", (DAY,))
    async with rig.running():
        rig.write("b.jpg", picture(2))
        if entry is None:
            await until(lambda: held(rig, 2))
            assert kinds == ["list", "upload"]
            assert pauses(rig) == []
        else:
            await until(lambda: any(end > time.time() for _, end, _ in pauses(rig)))
            assert kinds == ["list"]


async def test_a_stopped_account_that_is_throttled_after_a_probe_is_tried_again(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("100", on="upload"))
    for number in range(4):
        rig.write(f"{number}.jpg", picture(number))
    with capture_logs() as logs:
        async with rig.running() as runtime:
            (lane,) = runtime.engine.lanes.values()
            await until(lambda: lane.health.stopped is not None)
            rig.sandbox.faults.clear()
            rig.sandbox.faults.add(Fault("80004", times=1, on="upload"))
            await runtime.engine.probe_stopped()
            probed = lane.counters.calls
            await until(lambda: lane.counters.calls > probed and not lane.queue.in_flight)
            assert lane.gate.is_shut  # for the whole pause: the images have been put back
            assert lane.health.stopped is not None
            lane.gate.reopen()  # as the end of the pause does
            await until(lambda: held(rig, 0, 1, 2, 3))
    assert len(logged(logs, "account.resumed")) == 1
