"""Errors about the call, not the image: what stops, which events report it, and what ends it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.ledger import alerts
from syncd.ledger.file import changing, reading
from syncd.model import AccountId
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

ONE, TWO = AccountId("1"), AccountId("2")
NAMES = {ONE: "main", TWO: "eu", AccountId("3"): "us"}
APP_CODES = ["5", "101", "2500", "2635"]
TOKEN_CODES = ["190", "190/459", "190/464", "102", "415"]
MOST_POSTS = 10


def logged(logs: Sequence[Any], event: str, level: str | None = None) -> list[Any]:
    return [e for e in logs if e["event"] == event and level in (None, e["log_level"])]


def write_pictures(rig: Rig, count: int) -> None:
    for number in range(count):
        rig.write(f"{number}.jpg", picture(number))


def open_alerts(rig: Rig) -> list[alerts.Alert]:
    with reading(rig.ledger) as db:
        return alerts.all_alerts(NAMES, time.time())(db)


def posts(rig: Rig, account: str = "1") -> int:
    return rig.sandbox.counts.calls(account, "upload")


@pytest.fixture
def two(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """Return a rig whose folder feeds two accounts with one token."""
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    rig.per_folder = 'copy = "upload"'
    return rig


@pytest.mark.parametrize("code", [*APP_CODES, *TOKEN_CODES])
async def test_an_error_about_app_or_token_stops_its_accounts_with_one_alert(
    two: Rig, code: str
) -> None:
    two.sandbox.faults.add(Fault(code, account="1", on="upload"))
    write_pictures(two, 3)
    with capture_logs() as logs:
        async with two.running():
            await until(lambda: len(logged(logs, "account.stopped")) == 2)
    (met,) = logged(logs, "account.stopped", "error")
    (other,) = logged(logs, "account.stopped", "info")
    assert (met["account"], other["account"]) == ("main", "eu")
    assert met["accounts"] == other["accounts"] == ["main", "eu"]
    assert met["remedy"]
    assert met["fbtrace_id"]
    (alert,) = open_alerts(two)
    assert (alert.event, alert.subject, alert.accounts) == (
        "account.stopped",
        "accounts.main",
        ("main", "eu"),
    )
    assert not logged(logs, "image.rejected")


async def test_the_application_limit_pauses_all_accounts_of_the_token(two: Rig) -> None:
    two.sandbox.faults.add(Fault("341", account="1", on="upload"))
    write_pictures(two, 3)
    with capture_logs() as logs:
        async with two.running():
            await until(lambda: len(logged(logs, "account.paused")) == 2)
    assert {entry["account"] for entry in logged(logs, "account.paused")} == {"main", "eu"}
    assert not logged(logs, "image.rejected")


@pytest.mark.parametrize("workers", [1, 4])
async def test_three_images_with_an_unknown_error_stop_the_account_within_ten_posts(
    rig: Rig, workers: int
) -> None:
    rig.workers = workers
    rig.sandbox.faults.add(Fault("100", on="upload"))
    write_pictures(rig, 60)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.stopped", "error")))
    (stopped,) = logged(logs, "account.stopped")
    assert stopped["kind"] == "every call rejected"
    assert "app_secret" in stopped["remedy"]
    assert posts(rig) <= MOST_POSTS
    assert not logged(logs, "image.rejected")
    assert [alert.event for alert in open_alerts(rig)] == ["account.stopped"]


async def test_two_images_with_an_unknown_error_do_not_stop_the_account(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("100", image="[01].jpg"))
    write_pictures(rig, 20)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: len(rig.sandbox.library.images("1")) == 18)
    assert not logged(logs, "account.stopped")
    assert not logged(logs, "image.rejected")


async def test_a_second_account_with_the_same_unknown_error_stops_all_of_the_token(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(
        tmp_path,
        sandbox,
        accounts={"main": "1", "eu": "2", "us": "3"},
        mirrors=("eu", "us"),
        per_folder='copy = "upload"',
    )
    for account in ("1", "2"):
        sandbox.faults.add(Fault("100", account=account, on="upload"))
    write_pictures(rig, 30)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: len(logged(logs, "account.stopped", "info")) == 2)
    first, second = logged(logs, "account.stopped", "error")
    assert first["accounts"] == [first["account"]]
    assert set(second["accounts"]) == {"main", "eu", "us"}
    others = {entry["account"] for entry in logged(logs, "account.stopped", "info")}
    assert others == {first["account"], "us"}, "the first one joins the others"
    (alert,) = open_alerts(rig)
    assert set(alert.accounts) == {"main", "eu", "us"}


async def test_an_image_sent_as_bytes_is_not_rejected_for_an_unknown_error(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1487411", times=1, on="upload"))
    rig.sandbox.faults.add(Fault("100", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: rig.recorded(picture(1)) is not None)
    assert not logged(logs, "image.rejected")


async def test_a_picture_that_always_fails_delays_only_itself(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1", image="bad.jpg"))
    rig.write("bad.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running() as runtime:
            lane = runtime.engine.lanes[ONE]
            await until(lambda: len(logged(logs, "image.retrying")) >= 3)
            assert not lane.gate.is_shut
            rig.write("good.jpg", picture(2))
            await until(lambda: rig.recorded(picture(2)) is not None)
    assert not logged(logs, "account.failing")


@pytest.mark.parametrize(
    ("fault", "why"),
    [("302", "redirected to login.proxy.example"), ("401", "HTTP 401"), ("1", "1: ")],
)
async def test_an_account_that_fails_for_an_hour_raises_an_alert(
    rig: Rig, fault: str, why: str
) -> None:
    rig.sandbox.faults.add(Fault(fault, on="upload"))
    write_pictures(rig, 60)
    with capture_logs() as logs:
        async with rig.running() as runtime:
            lane = runtime.engine.lanes[ONE]
            await until(lambda: lane.health.failing.since is not None)
    (begun,) = logged(logs, "account.failing", "warning")
    assert why in begun["why"]
    assert "secret" not in begun["why"]
    assert open_alerts(rig) == []
    with changing(rig.ledger) as db:
        db.execute("UPDATE alert SET since = since - 3600")
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.failing", "error")))
            (alert,) = open_alerts(rig)
            assert (alert.event, alert.subject) == ("account.failing", "accounts.main")
            rig.sandbox.faults.clear()
            with changing(rig.ledger) as db:  # as `syncd retry` does
                db.execute("UPDATE account SET tier = tier")
            await until(lambda: bool(logged(logs, "account.recovered")))
    assert open_alerts(rig) == []


async def test_images_are_not_logged_one_by_one_while_their_account_fails(rig: Rig) -> None:
    rig.workers = 1
    rig.sandbox.faults.add(Fault("2", on="upload"))
    write_pictures(rig, 200)
    with capture_logs() as logs:
        async with rig.running() as runtime:
            lane = runtime.engine.lanes[ONE]
            await until(lambda: lane.health.failing.since is not None)
    assert len(logged(logs, "image.retrying")) <= 50, "those of the first POST"


@pytest.mark.parametrize("code", ["190/459", "190/464", "200", "3", "5", "100"])
async def test_a_probing_read_reopens_a_stopped_account(rig: Rig, code: str) -> None:
    rig.sandbox.faults.add(Fault(code))
    write_pictures(rig, 60)
    with capture_logs() as logs:
        async with rig.running() as runtime:
            await until(lambda: bool(logged(logs, "account.stopped", "error")))
            calls = rig.sandbox.counts.calls("1")
            await runtime.engine.probe_stopped()
            assert rig.sandbox.counts.calls("1") == calls + 1
            assert rig.rows("SELECT kind FROM pause") == [("stop",)]
            rig.sandbox.faults.clear()
            await runtime.engine.probe_stopped()
            await until(lambda: len(rig.sandbox.library.images("1")) == 60)
            await until(lambda: rig.rows("SELECT kind FROM pause") == [])
    assert len(logged(logs, "account.stopped")) == 1
    assert len(logged(logs, "account.resumed", "notice")) == 1


async def test_a_read_that_succeeds_does_not_end_the_stop_of_uploads_that_still_fail(
    rig: Rig,
) -> None:
    rig.sandbox.faults.add(Fault("200", on="upload"))
    write_pictures(rig, 3)
    with capture_logs() as logs:
        async with rig.running() as runtime:
            lane = runtime.engine.lanes[ONE]
            await until(lambda: bool(logged(logs, "account.stopped", "error")))
            before = posts(rig)
            await runtime.engine.probe_stopped()
            await until(lambda: posts(rig) > before and lane.gate.is_shut)
    assert len(logged(logs, "account.stopped")) == 1
    assert not logged(logs, "account.resumed")


async def test_a_token_file_that_is_saved_unchanged_reopens_its_account(rig: Rig) -> None:
    token = rig.path / "token"
    token.write_text(rig.sandbox.token)
    rig.per_account += f'\ntoken = {{file = "{token}"}}'
    rig.sandbox.faults.add(Fault("190/459", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.stopped", "error")))
            token.write_text(rig.sandbox.token)
            await until(lambda: rig.recorded(picture(1)) is not None)
    assert len(logged(logs, "token.changed", "notice")) == 1
