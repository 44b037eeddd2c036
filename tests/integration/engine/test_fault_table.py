"""Every fault of the sandbox, met by an upload: the event that reports it, and how it ends.

The consequences of a fault that lasts are shown by test_call_errors, test_limitations and
test_account_states. Each row is run with five pictures in one POST.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox import faults
from syncd.sandbox.faults import Fault

PICTURES = 5


class Row(NamedTuple):
    """Faults with one consequence.

    `times` is how often each strikes; `event` and `level` are the record that reports it; `end` is
    `held` (all pictures reach the account without the operator), `rejected`, `paused` or `stopped`.
    """

    names: Sequence[str]
    times: int | None
    event: str
    level: str
    end: str


TABLE = [
    Row(["1", "1/99", "2", "html502", "html503"], 1, "image.retrying", "info", "held"),
    Row(["reset_before", "reset_after", "cut_off"], 1, "image.retrying", "info", "held"),
    Row(["half_json", "hang", "302", "401"], 1, "image.retrying", "info", "held"),
    Row(["slow"], 1, "image.held", "info", "held"),
    Row(["100", "2642"], 1, "upload.split", "info", "held"),
    Row(["413"], 1, "upload.split", "info", "held"),
    Row(["100/1487411"], 1, "upload.split", "info", "held"),
    Row(["100/1487242", "100/2490361"], None, "image.rejected", "warning", "rejected"),
    Row(["100/1487197"], 1, "upload.split", "info", "held"),
    Row(["17", "613/1487742", "613/5044001"], 1, "account.paused", "warning", "paused"),
    Row([f"{80000 + n}" for n in range(15)], 1, "account.paused", "warning", "paused"),
    Row(["4", "341"], 1, "account.paused", "warning", "paused"),
    Row(["613", "368", "368/1404078", "368/2859015"], 1, "account.paused", "error", "paused"),
    Row(["3", "10", "200", "274", "294"], 1, "account.stopped", "error", "stopped"),
    Row(["100/33", "803"], 1, "account.stopped", "error", "stopped"),
    Row(["5", "101", "2500", "2635"], 1, "account.stopped", "error", "stopped"),
    Row(["102", "415", "190"], 1, "account.stopped", "error", "stopped"),
    Row(
        [f"190/{subcode}" for subcode in (458, 459, 460, 463, 464, 467, 492, 493)],
        1,
        "account.stopped",
        "error",
        "stopped",
    ),
]


def test_the_table_has_every_fault_once() -> None:
    assert sorted(name for row in TABLE for name in row.names) == sorted(faults.names())


@pytest.mark.parametrize(
    ("name", "row"), [(name, row) for row in TABLE for name in row.names], ids=lambda v: str(v)[:12]
)
async def test_a_fault_is_reported_and_ends(rig: Rig, name: str, row: Row) -> None:
    rig.timeout = "1s"
    delay = 0.5 if name == "slow" else None
    rig.sandbox.faults.add(Fault(name, times=row.times, on="upload", seconds=delay))
    pictures = [picture(number) for number in range(PICTURES)]
    for number, content in enumerate(pictures):
        rig.write(f"{number}.jpg", content)
    with capture_logs() as logs:
        async with rig.running() as runtime:
            (lane,) = runtime.engine.lanes.values()
            await until(lambda: bool(logged(logs, row.event)))
            match row.end:
                case "held":
                    await until(lambda: all(map(rig.holds, pictures)))
                case "rejected":
                    await until(lambda: count(rig, "replicas WHERE state = 'rejected'") == PICTURES)
                case "paused":
                    await until(lambda: count(rig, "pause") == 1)
                    ((until_,),) = rig.rows("SELECT until FROM pause")
                    assert 50 < until_ - time.time() <= 24 * 3600 * 1.1
                case "stopped":
                    await until(lambda: count(rig, "pause WHERE until IS NULL") == 1)
                    await runtime.engine.probe_stopped()
                    await until(lambda: all(map(rig.holds, pictures)))
                    await until(lambda: lane.health.stopped is None)
    first, *_ = logged(logs, row.event)
    assert first["log_level"] == row.level
    assert row.end == "rejected" or not logged(logs, "image.rejected")


def logged(logs: Sequence[Any], event: str) -> list[Any]:
    return [entry for entry in logs if entry["event"] == event]


def count(rig: Rig, table: str) -> int:
    rows = rig.rows(f"SELECT count(*) FROM {table}")
    return int(rows[0][0]) if rows else 0
