"""The example queries for the journal, run unchanged on a real journal under a real systemd.

The queries for Vector and Loki are only parsed, by tests/unit/test_example_queries.py.
"""

import re
import shutil
from collections.abc import Iterator, Mapping

import pytest
from support.readme import MONITORING, lines_of
from support.systemd_box import Box, Ran, as_root, installation, missing, until

WHY_NOT = missing() or (None if shutil.which("jq") else "jq is not installed")
pytestmark = [
    pytest.mark.skipif(
        WHY_NOT is not None, reason=f"NOT TESTED: the queries of the journal; {WHY_NOT}"
    ),
    pytest.mark.timeout(240),
]

# Replaces the daemon: it logs the records of a test in the form of the daemon.
LOGGER = """
import signal, socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for record in open(sys.argv[1], "rb").read().split(b"\\n\\n"):
    if record:
        journal.send(record + b"\\n")
print("all records are logged", flush=True)
signal.pause()
"""
LOGGER_UNIT = """
[Service]
Type=exec
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/python3 /etc/syncd/logger.py /etc/syncd/%i.records
"""
# The command that the example script for notifications runs.
MAIL = """#!/bin/sh
{ echo "$@"; cat; } >/tmp/mail
mv /tmp/mail /tmp/received
"""
WATCH = "/usr/local/lib/syncd/journal.sh"

OPEN = {"SYNCD_EVENT": "stats", "SYNCD_ACCOUNT": "us", "SYNCD_STATE": "open", "PRIORITY": "6"}
BRIEF = {**OPEN, "SYNCD_ACCOUNT": "eu", "SYNCD_STATE": "paused", "SYNCD_PAUSED_FOR": "600"}
LONG = {**BRIEF, "SYNCD_ACCOUNT": "main", "SYNCD_PAUSED_FOR": "7200.5", "SYNCD_WHY": "80004: busy"}
ALIVE = {"SYNCD_EVENT": "stats.process", "PRIORITY": "6"}
STOPPED = {"SYNCD_EVENT": "account.stopped", "SYNCD_ACCOUNT": "ap", "PRIORITY": "3"}
BUG = {"SYNCD_EVENT": "library.message", "PRIORITY": "2"}
FAILS = {"SYNCD_EVENT": "account.failing", "SYNCD_ACCOUNT": "ap", "PRIORITY": "4"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A machine with the units, and with the monitoring that its README describes."""
    box = Box(tmp_path_factory.mktemp("machine"))
    try:
        box.up()
        install = [line for line in installation() if not re.search(" enable |--account", line)]
        box.write("/tmp/install", as_root([*install, *lines_of("watch", MONITORING)]))
        box.do("sh", "-c", "cd /opt/syncd/source && EDITOR=true bash /tmp/install </dev/null")
        box.write("/usr/local/bin/mail", MAIL, 0o755)
        box.write("/etc/syncd/logger.py", LOGGER)
        box.write("/etc/systemd/system/syncd@.service.d/logger.conf", LOGGER_UNIT)
        box.do("systemctl", "daemon-reload")
        yield box
    finally:
        box.down()


async def log_records(box: Box, name: str, *records: Mapping[str, str]) -> None:
    """Start an instance that logs these records, and wait until the journal has them."""
    texts = ["\n".join(f"{key}={word}" for key, word in _whole(one).items()) for one in records]
    box.write(f"/etc/syncd/{name}.records", "\n\n".join(texts))
    box.write(f"/etc/syncd/{name}.toml", "")
    box.do("systemctl", "start", f"syncd@{name}")
    await until(lambda: "all records are logged" in _cat(box, name))
    box.do("journalctl", "--sync")


def _whole(record: Mapping[str, str]) -> Mapping[str, str]:
    words = (f"{key.removeprefix('SYNCD_').lower()}={word}" for key, word in record.items())
    return {"MESSAGE": " ".join(words), **record}


def _cat(box: Box, name: str) -> str:
    return box.do("journalctl", "--no-pager", "--quiet", "-o", "cat", "-u", f"syncd@{name}")


def query_output(box: Box, name: str, line: int) -> list[str]:
    """Return the output of a line of the monitoring's README for an instance."""
    command = lines_of("journal", MONITORING)[line].replace("-u syncd", f"-u syncd@{name}")
    out = box.do("sh", "-c", f"SYSTEMD_PAGER= {command}")
    return [line for line in out.splitlines() if not line.startswith("-- ")]


async def next_mail(box: Box) -> str:
    """Wait for the next mail, and return its text."""
    await until(lambda: box.run("test", "-e", "/tmp/received").code == 0)
    return box.do("sh", "-c", "cat /tmp/received && rm /tmp/received")


def watch(box: Box, name: str) -> Ran:
    return box.run(WATCH, f"syncd@{name}.service")


async def test_the_first_query_finds_accounts_paused_for_more_than_an_hour(box: Box) -> None:
    late = {**LONG, "SYNCD_ACCOUNT": "ap", "SYNCD_STATE": "stopped"}
    again = {**LONG, "SYNCD_ACCOUNT": "us"}
    await log_records(box, "paused", ALIVE, again, OPEN, BRIEF, LONG, LONG, late)
    found = query_output(box, "paused", 0)
    assert [line.split()[1] for line in found] == ["account=ap", "account=main"]
    assert watch(box, "paused") == Ran(
        1,
        "ap has been stopped for more than 1 h: 80004: busy\n"
        "main has been paused for more than 1 h: 80004: busy\n",
        "",
    )


async def test_a_long_record_is_not_truncated(box: Box) -> None:
    why = "w" * 5000  # journalctl omits fields over 4096 bytes from JSON without --all
    await log_records(box, "wordy", ALIVE, {**LONG, "SYNCD_WHY": why})
    assert query_output(box, "wordy", 0)[0].endswith(why)
    assert why in watch(box, "wordy").out


async def test_the_second_query_finds_errors(box: Box) -> None:
    await log_records(box, "errors", ALIVE, STOPPED, FAILS, BUG, BRIEF)
    found = query_output(box, "errors", 1)
    assert len(found) == 2
    assert "event=account.stopped" in found[0]
    assert "event=library.message" in found[1]
    ended = watch(box, "errors")
    assert ended.code == 1
    assert [line.split()[0] for line in ended.out.splitlines()] == [
        "event=account.stopped",
        "event=library.message",
    ]


async def test_the_third_query_prints_nothing_without_stats(box: Box) -> None:
    await log_records(box, "silent", OPEN, BRIEF)
    assert query_output(box, "silent", 2) == []
    assert watch(box, "silent") == Ran(1, "no stats for 5 min\n", "")
    box.do("systemctl", "stop", "syncd@silent")
    assert watch(box, "silent") == Ran(0, "", ""), "a stopped unit needs no stats"


@pytest.mark.parametrize("event", ["stats.process", "daemon.started"])
async def test_the_third_query_prints_stats_and_starts(box: Box, event: str) -> None:
    name = event.replace(".", "-")
    await log_records(box, name, {**ALIVE, "SYNCD_EVENT": event}, OPEN, BRIEF, FAILS)
    assert len(query_output(box, name, 2)) == 1
    assert watch(box, name) == Ran(0, "", "")


async def test_old_stats_do_not_count(box: Box) -> None:
    await log_records(box, "older", ALIVE, LONG)
    sooner = f"sed s/-5min/-1s/ {WATCH} | sh -s syncd@older.service"
    await until(lambda: box.run("sh", "-c", sooner) == Ran(1, "no stats for 5 min\n", ""))


async def test_records_of_another_unit_are_ignored(box: Box) -> None:
    await log_records(box, "noisy", LONG, STOPPED)
    await log_records(box, "quiet", ALIVE)
    assert watch(box, "quiet") == Ran(0, "", "")


@pytest.mark.parametrize(
    "call",
    [
        "jq() { return 3; }",
        'journalctl() { case "$*" in *SYNCD_EVENT=stats) return 3;; esac; }',
        'journalctl() { case "$*" in *SYNCD_EVENT=stats.process*) return 3;; esac; }',
        'journalctl() { case "$*" in *--priority=err) return 3;; esac; }',
    ],
    ids=["jq", "paused", "silent", "errors"],
)
async def test_a_failed_query_is_not_reported_as_success(box: Box, call: str) -> None:
    ended = box.run("sh", "-c", f"systemctl() {{ :; }}; {call}; . {WATCH}")
    assert ended.code == 3


async def test_a_failed_daemon_is_mailed_to_the_operator(box: Box) -> None:
    box.write("/etc/syncd/config.toml", "[graph]\nwrong = 1\n")
    box.run("systemctl", "start", "syncd")
    assert box.one("syncd", "ExecMainStatus") == "78"
    mail = await next_mail(box)
    assert re.match("-s syncd.service on [^ ]+ needs attention root\n", mail)
    assert "status=78" in mail
    assert "graph.wrong" in mail, "the last lines of the journal are missing"


async def test_the_timer_mails_each_problem_once(box: Box) -> None:
    await log_records(box, "timed", ALIVE, LONG, STOPPED)
    unit = "syncd-watch@syncd@timed"
    assert box.run("systemctl", "start", unit).code != 0
    mail = await next_mail(box)
    assert mail.startswith(f"-s {unit}.service on ")
    assert "main has been paused for more than 1 h: 80004: busy" in mail
    assert "event=account.stopped account=ap" in mail
    box.do("systemctl", "start", unit)
    box.do("systemctl", "restart", "syncd@timed")
    await until(lambda: _cat(box, "timed").count("all records are logged") == 2)
    box.do("journalctl", "--sync")
    assert box.run("systemctl", "start", unit).code != 0, "the repeated error was not found"
    last = box.do("journalctl", "-u", unit, "-n", "20", "-o", "cat", "--no-pager")
    assert last.count("main has been paused") == 1
    assert last.count("event=account.stopped account=ap") == 2


async def test_systemd_accepts_the_units(box: Box) -> None:
    assert box.do("systemctl", "is-enabled", "syncd-watch@syncd.timer").strip() == "enabled"
    assert box.one("syncd-watch@syncd.timer", "ActiveState") == "active"
    assert "syncd-failed@syncd.service.service" in box.one("syncd", "OnFailure")
    for unit in ("syncd-watch@syncd.service", "syncd-watch@syncd.timer",
                 "syncd-failed@syncd.service.service"):  # fmt: skip
        ended = box.run("systemd-analyze", "verify", unit)
        assert (ended.code, ended.err) == (0, "")


async def test_the_removal_removes_the_monitoring(box: Box) -> None:
    """Remove the monitoring; this must be the last test."""
    box.write("/tmp/remove", as_root(lines_of("watch-remove", MONITORING)))
    box.do("bash", "/tmp/remove")
    assert box.run("test", "-e", WATCH).code != 0
    assert box.do("find", "/etc/systemd/system", "-name", "syncd-watch*") == ""
