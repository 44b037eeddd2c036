"""syncd under a real systemd, installed by the commands in the README.

Not tested here: limits of memory, tasks, CPU and IO (a box enforces none), and pipx.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pictures import picture
from support.systemd_box import CONFIG as ONE_FOLDER
from support.systemd_box import TOKEN, Box, as_root, missing, see_pages, until

from syncd.man.blocks import Code
from syncd.man.topics import topics

WHY_NOT = missing()
pytestmark = [
    pytest.mark.skipif(
        WHY_NOT is not None, reason=f"NOT TESTED: syncd under a real systemd; {WHY_NOT}"
    ),
    pytest.mark.timeout(240),
]

CONFIG = f'{ONE_FOLDER}[log]\nstats_every = "1s"\n'
HOLDING = """
import sqlite3, time
db = sqlite3.connect("/var/lib/syncd/ledger.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
time.sleep(3600)
"""
BIG = """
import sys
import structlog
from syncd.config import LogFormat
from syncd.logs.setup import configure_logs
lines = configure_logs("info", LogFormat.AUTO, sys.stderr)
structlog.get_logger().info("big", texts=["x" * 8000] * 50)
"""
FAST_RESTART = "[Service]\nRestartSec=100ms\n"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A machine on which syncd was installed by the README's commands."""
    box = Box(tmp_path_factory.mktemp("machine"))
    try:
        box.up()
        box.install(CONFIG)
        yield box
    finally:
        box.down()


@pytest.fixture
def box(machine: Box) -> Box:
    """The machine with syncd stopped, without a ledger, and with an empty Graph API."""
    machine.run("systemctl", "stop", "syncd*")
    machine.run("systemctl", "reset-failed")
    machine.do("sh", "-c", "rm -rf /var/lib/syncd/* /srv/* /etc/credstore/syncd.* /etc/syncd/*"
               " /etc/systemd/system/*.service.d /home/anna; mkdir /srv/spring")  # fmt: skip
    machine.write("/etc/syncd/config.toml", CONFIG)
    machine.write("/etc/credstore/syncd.token", f"{TOKEN}\n", 0o600)
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", "graph-api")
    machine.await_sandbox()
    machine.forget_journal()
    return machine


def drop_in(box: Box, unit: str, text: str) -> None:
    box.write(f"/etc/systemd/system/{unit}.service.d/test.conf", text)
    box.do("systemctl", "daemon-reload")


def add(box: Box, number: int, folder: str = "/srv/spring") -> None:
    box.write(f"{folder}/{number}.jpg", picture(number))


async def test_systemd_accepts_the_units(box: Box) -> None:
    for unit in ("syncd", "syncd@eu", "syncd-backfill", "syncd-web", "syncd-web@eu"):
        ended = box.run("systemd-analyze", "verify", f"{unit}.service")
        assert (ended.code, ended.err) == (0, "")


async def test_a_start_succeeds_with_the_credential_and_the_state_directory(
    box: Box,
) -> None:
    add(box, 1)
    box.do("systemctl", "start", "syncd")  # returns at READY=1
    assert box.one("syncd", "ActiveState") == "active"
    assert "token.accepted" in box.journal("syncd")
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))
    await until(lambda: box.status("syncd") == "1 of 1 images", lambda: box.status("syncd"))
    modes = box.do("stat", "-c", "%U %a %n", "/var/lib/syncd", "/var/lib/syncd/ledger.db")
    assert modes.split("\n")[:2] == [
        "syncd 700 /var/lib/syncd",
        "syncd 600 /var/lib/syncd/ledger.db",
    ]
    assert TOKEN not in box.journal("syncd", "json")
    box.do("systemctl", "stop", "syncd")
    assert box.show("syncd", "Result", "ExecMainStatus") == {
        "Result": "success",
        "ExecMainStatus": "0",
    }


async def test_the_unit_is_enabled_at_boot(box: Box) -> None:
    assert box.do("systemctl", "is-enabled", "syncd").strip() == "enabled"


async def test_a_reload_is_applied_by_the_same_process(box: Box) -> None:
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    box.do("mkdir", "/srv/more")
    more = '[folders.more]\npath = "/srv/more"\naccount = "main"\n'
    box.write("/etc/syncd/config.toml", CONFIG + more)
    assert box.run("systemctl", "reload", "syncd").code == 0, box.journal("syncd")
    add(box, 2, "/srv/more")
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))
    await until(lambda: box.one("syncd", "SubState") == "running")
    assert box.one("syncd", "MainPID") == pid
    assert "folders.more added" in box.journal("syncd")


async def test_a_reload_with_a_mistake_fails_and_keeps_the_configuration(box: Box) -> None:
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    box.write("/etc/syncd/config.toml", CONFIG.replace("settle", "setle"))
    assert box.run("systemctl", "reload", "syncd").code != 0
    await until(lambda: "watch.setle" in box.journal("syncd"), lambda: box.journal("syncd"))
    assert box.show("syncd", "MainPID", "SubState") == {"MainPID": pid, "SubState": "running"}
    assert "daemon.reloading" not in box.journal("syncd")
    add(box, 1)
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))


async def test_a_killed_daemon_is_restarted_and_loses_nothing(box: Box) -> None:
    drop_in(box, "syncd", FAST_RESTART)
    for number in range(60):
        add(box, number)
    box.fault("slow:seconds=0.3:on=upload")
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    await until(lambda: box.held() > 0)
    box.do("systemctl", "kill", "--signal=KILL", "syncd")
    await until(lambda: box.one("syncd", "MainPID") not in (pid, "0"))
    await until(lambda: box.held() == 60, lambda: box.journal("syncd"))
    assert box.one("syncd", "NRestarts") == "1"


async def test_a_reload_without_a_token_stops_its_accounts(box: Box) -> None:
    box.do("systemctl", "start", "syncd")
    box.write("/etc/syncd/config.toml", CONFIG.replace("syncd.token", "missing.token"))
    box.do("systemctl", "reload", "syncd")
    await until(lambda: "account.stopped" in box.journal("syncd"), lambda: box.journal("syncd"))
    assert "missing.token" in box.journal("syncd")
    assert box.one("syncd", "SubState") == "running"


@pytest.mark.parametrize("wrong", ["configuration", "no configuration"])
async def test_a_wrong_configuration_ends_with_78_and_is_not_restarted(
    box: Box, wrong: str
) -> None:
    drop_in(box, "syncd", FAST_RESTART)
    match wrong:
        case "configuration":
            expected = "watch.setle"
            box.write("/etc/syncd/config.toml", CONFIG.replace("settle", "setle"))
        case _:
            expected = "/etc/syncd/config.toml"
            box.do("rm", "/etc/syncd/config.toml")
    assert box.run("systemctl", "start", "syncd").code != 0
    assert box.show("syncd", "ActiveState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed",
        "ExecMainStatus": "78",
        "NRestarts": "0",
    }
    errors = [one["MESSAGE"] for one in box.records("-p", "err", "SYSLOG_IDENTIFIER=syncd")]
    assert any(expected in message for message in errors), errors


async def test_an_unusable_ledger_is_an_error_in_the_journal(box: Box) -> None:
    box.write("/var/lib/syncd/ledger.db", b"this is not a database" * 100, 0o600)
    box.do("chown", "syncd:", "/var/lib/syncd/ledger.db")
    assert box.run("systemctl", "start", "syncd").code != 0
    assert box.one("syncd", "ExecMainStatus") == "65"
    (failed,) = box.records("-p", "err", "SYSLOG_IDENTIFIER=syncd")
    assert failed["SYNCD_EVENT"] == "daemon.failed"
    assert "/var/lib/syncd/ledger.db" in failed["SYNCD_WHY"]


async def test_the_journal_can_be_searched_by_account_level_and_event(box: Box) -> None:
    more = """
[accounts.eu]
id = "2"
[folders.of_eu]
path = "/srv/of_eu"
account = "eu"
[folders.later]
path = "/srv/later"
account = "main"
"""
    box.do("mkdir", "/srv/of_eu")
    box.write("/etc/syncd/config.toml", CONFIG + more)
    add(box, 1)
    forging = "a\nMESSAGE=forged\nPRIORITY=0\nSYNCD_ACCOUNT=main\nSYNCD_EVENT=forged\n.jpg"
    box.write(f"/srv/of_eu/{forging}", picture(2))
    box.do("systemctl", "start", "syncd")
    await until(lambda: box.held() == 2, lambda: box.journal("syncd"))
    await until(lambda: len(box.records("SYNCD_EVENT=image.held")) == 2)
    box.do("systemctl", "stop", "syncd")
    everything = box.records("SYSLOG_IDENTIFIER=syncd")
    assert all(one["_TRANSPORT"] == "journal" for one in everything)
    assert all(one["SYNCD_EVENT"] == one["MESSAGE"].split(" ")[0] for one in everything)
    for account, held in (("main", "1.jpg"), ("eu", "forged")):
        found = box.records(f"SYNCD_ACCOUNT={account}")
        assert found == [one for one in everything if one.get("SYNCD_ACCOUNT") == account]
        (image,) = [one for one in found if one["SYNCD_EVENT"] == "image.held"]
        assert held in image["SYNCD_FILE"]
        assert image["PRIORITY"] == "6"
    for level, number, event in (("warning", 4, "folder.missing"), ("notice", 5, "daemon.started")):
        found = box.records("-p", level, "-u", "syncd", "SYSLOG_IDENTIFIER=syncd")
        assert found == [one for one in everything if int(one["PRIORITY"]) <= number]
        assert event in [one["SYNCD_EVENT"] for one in found]
    assert [one["SYNCD_EVENT"] for one in everything if int(one["PRIORITY"]) <= 4] == [
        "folder.missing"
    ]


async def test_a_hanging_journal_delays_nothing_and_gets_the_number_of_lost_records(
    box: Box,
) -> None:
    drop_in(box, "syncd", "[Service]\nWatchdogSec=3s\n")
    deep = "/".join(["/srv/prepared", *["long" * 60] * 12])  # about 3 KB in each record, twice
    images = 2_000
    for number in range(images):
        add(box, number, deep)
    box.fault("slow:seconds=1:times=3")
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    box.do("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "systemd-journald")
    stopped = time.monotonic()
    box.do("mv", "/srv/prepared", "/srv/spring/new")  # so that each image's record finds it hanging
    try:
        await until(lambda: box.held() == images)
        await until(lambda: box.status("syncd") == f"{images:,} of {images:,} images")
        await until(lambda: time.monotonic() - stopped > 7)  # twice the watchdog's time
        assert box.show("syncd", "MainPID", "ActiveState", "NRestarts") == {
            "MainPID": pid,
            "ActiveState": "active",
            "NRestarts": "0",
        }
    finally:
        box.do("systemctl", "kill", "--kill-whom=main", "--signal=CONT", "systemd-journald")
    await until(lambda: len(box.records("SYNCD_EVENT=log.dropped")) > 0)
    missed = sum(int(one["SYNCD_RECORDS"]) for one in box.records("SYNCD_EVENT=log.dropped"))
    held = len(box.records("SYNCD_EVENT=image.held"))
    assert 0 < held < images <= held + missed
    assert box.one("syncd", "MainPID") == pid


async def test_a_record_too_big_for_a_datagram_is_sent_despite_the_units_sandbox(box: Box) -> None:
    command = box.at("/usr/local/bin/syncd").read_text().partition("from syncd")[0]
    box.write("/usr/local/bin/big", command + BIG, 0o755)
    drop_in(box, "syncd", "[Service]\nExecStart=\nExecStart=/usr/local/bin/big\nType=oneshot\n"
                          "Restart=no\n")  # fmt: skip
    box.do("systemctl", "start", "syncd")
    (big,) = box.records("SYNCD_EVENT=big")
    assert big["SYNCD_TEXTS"].count("x") == 50 * 8_000


async def test_a_stop_during_an_upload_finishes_it(box: Box) -> None:
    box.fault("slow:seconds=2:on=upload")
    add(box, 1)
    box.do("systemctl", "start", "syncd")
    await until(lambda: any(a["most_in_flight"] for a in box.sandbox()["accounts"]))
    box.do("systemctl", "stop", "syncd")
    assert box.show("syncd", "Result", "ExecMainStatus") == {
        "Result": "success",
        "ExecMainStatus": "0",
    }
    assert "image.held" in box.journal("syncd")
    assert "daemon.cut_off" not in box.journal("syncd")


async def test_a_rejected_token_is_shown_and_the_start_ends(box: Box) -> None:
    box.fault("190")
    box.do("systemctl", "start", "syncd")
    assert "main stopped (190" in box.status("syncd")


async def test_a_start_without_a_response_continues_and_shows_the_reason(box: Box) -> None:
    box.do("systemctl", "stop", "graph-api")
    box.do("systemctl", "start", "--no-block", "syncd")
    await until(lambda: "the token could not be checked yet" in box.status("syncd"))
    assert box.one("syncd", "ActiveState") == "activating"
    box.do("systemctl", "start", "graph-api")
    await until(lambda: box.one("syncd", "ActiveState") == "active")


async def test_a_backfill_fails_while_the_daemon_runs_and_succeeds_without_it(box: Box) -> None:
    box.do("systemctl", "start", "syncd")
    assert box.run("systemctl", "start", "syncd-backfill").code != 0
    assert box.one("syncd-backfill", "ExecMainStatus") == "75"
    assert box.one("syncd", "ActiveState") == "active"
    box.do("systemctl", "stop", "syncd")
    for number in range(40):
        add(box, number)
    box.fault("slow:seconds=1:on=upload:times=1")
    box.do("systemctl", "start", "--no-block", "syncd-backfill")
    await until(lambda: re.match("[0-9]+ of 40 images", box.status("syncd-backfill")) is not None)
    await until(lambda: box.one("syncd-backfill", "ActiveState") == "inactive")
    assert box.one("syncd-backfill", "Result") == "success"
    assert box.held() == 40
    box.do("test", "-f", "/var/lib/syncd/ledger.db")
    await see_pages(box, "<b>40</b> held")


async def test_each_instance_has_its_own_configuration_token_and_ledger(box: Box) -> None:
    for name, account in (("eu", "1"), ("us", "2")):
        box.do("mkdir", f"/srv/{name}")
        text = CONFIG.replace("/srv/spring", f"/srv/{name}").replace(
            'id = "1"', f'id = "{account}"'
        )
        box.write(f"/etc/syncd/{name}.toml", text)
        box.write(f"/etc/credstore/syncd.{name}.token", f"{TOKEN}\n", 0o600)
        add(box, int(account), f"/srv/{name}")
    box.do("systemctl", "start", "syncd@eu", "syncd@us")
    await until(lambda: box.held() == 2, lambda: box.journal("syncd@*"))
    for name in ("eu", "us"):
        owner = box.do("stat", "-c", "%U %a", f"/var/lib/syncd/{name}/ledger.db")
        assert owner.strip() == "syncd 600"
        seen = box.at(f"/proc/{box.one(f'syncd@{name}', 'MainPID')}/root/var/lib/syncd")
        assert [path.name for path in seen.iterdir()] == [name]
    box.do("systemctl", "start", "syncd.target")
    box.do("systemctl", "stop", "syncd.target")
    await until(lambda: box.one("syncd@eu", "ActiveState") == "inactive")
    box.do("systemctl", "start", "syncd-backfill@eu")
    assert box.held() == 2


async def test_an_instance_without_a_configuration_is_not_started(box: Box) -> None:
    assert box.run("systemctl", "start", "syncd@missing").code != 0
    assert box.one("syncd@missing", "AssertResult") == "no"


async def test_the_watchdog_restarts_a_daemon_that_hangs(box: Box) -> None:
    drop_in(box, "syncd", f"{FAST_RESTART}WatchdogSec=2s\nTimeoutAbortSec=1s\n")
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    box.do("kill", "-STOP", pid)
    await until(lambda: box.one("syncd", "MainPID") not in (pid, "0"))
    assert "watchdog" in box.journal("syncd").lower()
    add(box, 1)
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))


async def test_a_stuck_ledger_is_logged_before_the_watchdog_ends_the_daemon(
    box: Box,
) -> None:
    drop_in(box, "syncd", f"{FAST_RESTART}WatchdogSec=4s\nTimeoutAbortSec=1s\n")
    box.do("systemctl", "start", "syncd")
    pid = box.one("syncd", "MainPID")
    box.do("systemd-run", "--unit=holder", "/usr/bin/python3", "-c", HOLDING)
    await until(lambda: box.one("syncd", "MainPID") not in (pid, "0"))
    box.do("systemctl", "stop", "holder")
    journal = box.journal("syncd").lower()
    assert 0 < journal.index("watchdog.stuck") < journal.index("watchdog timeout")
    assert 'part="ledger writer"' in journal
    add(box, 1)
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))


async def test_a_folder_below_home_is_visible_with_the_drop_in_only(box: Box) -> None:
    box.do("mkdir", "-p", "/home/anna/creatives")
    box.write("/etc/syncd/config.toml", CONFIG.replace("/srv/spring", "/home/anna/creatives"))
    add(box, 1, "/home/anna/creatives")
    box.do("systemctl", "start", "syncd")
    assert "folder.missing" in box.journal("syncd")
    example = Path(__file__).parents[2] / "systemd/home.conf.example"
    drop_in(box, "syncd", example.read_text())
    box.do("systemctl", "restart", "syncd")
    await until(lambda: box.held() == 1, lambda: box.journal("syncd"))


async def test_the_commands_of_the_manual_remove_everything_that_was_installed(box: Box) -> None:
    """This test is the last one, because nothing is installed after it."""
    box.do("systemctl", "start", "syncd")
    codes = [block.lines for block in topics()["services"].blocks if isinstance(block, Code)]
    (removal,) = (lines for lines in codes if "--remove" in lines[0])
    box.write("/tmp/remove", as_root(removal))
    box.do("bash", "/tmp/remove")
    left = box.do("find", "/etc", "/usr/lib/systemd", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d",
                  "/var/lib", "-name", "syncd*")  # fmt: skip
    assert left == ""
    assert box.run("id", "syncd").code != 0
