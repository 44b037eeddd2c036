"""The example queries, run as they are: over a real journal, under a real systemd.

Not shown here: what Vector and Loki make of theirs. They are read by tests/unit/test_queries.py.
"""

import re
import shutil
from collections.abc import Iterator, Mapping

import pytest
from support.systemd_box import Box, Ran, lines_of, missing, until

WHY_NOT = missing() or (None if shutil.which("jq") else "there is no jq")
pytestmark = [
    pytest.mark.skipif(
        WHY_NOT is not None, reason=f"NOT SHOWN: the queries of the journal; {WHY_NOT}"
    ),
    pytest.mark.timeout(240),
]

# Stands in for the daemon, so that it says what a test wants said, as the daemon says it.
SPEAKER = """
import signal, socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
for record in open(sys.argv[1], "rb").read().split(b"\\n\\n"):
    if record:
        journal.send(record + b"\\n")
print("everything is said", flush=True)
signal.pause()
"""
SPEAKS = """
[Service]
Type=exec
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/python3 /etc/syncd/speak.py /etc/syncd/%i.said
"""
# What tell.example runs.
MAIL = """#!/bin/sh
{ echo "$@"; cat; } >/tmp/mail
mv /tmp/mail /tmp/told
"""
WATCH = "/usr/local/lib/syncd/journal.sh"

OPEN = {"SYNCD_EVENT": "stats", "SYNCD_ACCOUNT": "us", "SYNCD_STATE": "open", "PRIORITY": "6"}
BRIEF = {**OPEN, "SYNCD_ACCOUNT": "eu", "SYNCD_STATE": "paused", "SYNCD_PAUSED_FOR": "600"}
LONG = {**BRIEF, "SYNCD_ACCOUNT": "main", "SYNCD_PAUSED_FOR": "7200.5", "SYNCD_WHY": "80004: busy"}
ALIVE = {"SYNCD_EVENT": "stats.process", "PRIORITY": "6"}
STOPPED = {"SYNCD_EVENT": "account.stopped", "SYNCD_ACCOUNT": "ap", "PRIORITY": "3"}
BUG = {"SYNCD_EVENT": "library.message", "PRIORITY": "2"}
FAILS = {"SYNCD_EVENT": "account.failing", "SYNCD_ACCOUNT": "ap", "PRIORITY": "4"}


def sudo(lines: list[str]) -> str:
    return "\n".join(["set -eu", 'sudo() { "$@"; }', "cd /opt/syncd/source", *lines])


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A machine with the units and what the README says about watching them."""
    box = Box(tmp_path_factory.mktemp("machine"))
    try:
        box.up()
        install = [line for line in lines_of("systemd") if not re.search(" enable | check", line)]
        box.write("/tmp/install", sudo([*install, *lines_of("watch")]))
        box.do("sh", "-c", "EDITOR=true bash /tmp/install </dev/null")
        box.write("/usr/local/bin/mail", MAIL, 0o755)
        box.write("/etc/syncd/speak.py", SPEAKER)
        box.write("/etc/systemd/system/syncd@.service.d/speaks.conf", SPEAKS)
        box.do("systemctl", "daemon-reload")
        yield box
    finally:
        box.down()


async def said(box: Box, name: str, *records: Mapping[str, str]) -> None:
    """Start an instance that says these records, and wait until the journal has them."""
    texts = ["\n".join(f"{key}={word}" for key, word in _whole(one).items()) for one in records]
    box.write(f"/etc/syncd/{name}.said", "\n\n".join(texts))
    box.write(f"/etc/syncd/{name}.toml", "")
    box.do("systemctl", "start", f"syncd@{name}")
    await until(lambda: "everything is said" in _cat(box, name))
    box.do("journalctl", "--sync")


def _whole(record: Mapping[str, str]) -> Mapping[str, str]:
    words = (f"{key.removeprefix('SYNCD_').lower()}={word}" for key, word in record.items())
    return {"MESSAGE": " ".join(words), **record}


def _cat(box: Box, name: str) -> str:
    return box.do("journalctl", "--no-pager", "--quiet", "-o", "cat", "-u", f"syncd@{name}")


def asked(box: Box, name: str, line: int) -> list[str]:
    """Return what a line of the README prints about an instance."""
    command = lines_of("journal")[line].replace("-u syncd", f"-u syncd@{name}")
    out = box.do("sh", "-c", f"SYSTEMD_PAGER= {command}")
    return [line for line in out.splitlines() if not line.startswith("-- ")]


async def mailed(box: Box) -> str:
    """Wait for the next mail, and take it."""
    await until(lambda: box.run("test", "-e", "/tmp/told").code == 0)
    return box.do("sh", "-c", "cat /tmp/told && rm /tmp/told")


def watched(box: Box, name: str) -> Ran:
    return box.run(WATCH, f"syncd@{name}.service")


async def test_who_is_paused_for_more_than_an_hour(box: Box) -> None:
    late = {**LONG, "SYNCD_ACCOUNT": "ap", "SYNCD_STATE": "stopped"}
    again = {**LONG, "SYNCD_ACCOUNT": "us"}
    await said(box, "paused", ALIVE, again, OPEN, BRIEF, LONG, LONG, late)
    found = asked(box, "paused", 0)
    assert [line.split()[1] for line in found] == ["account=ap", "account=main"]
    assert watched(box, "paused") == Ran(
        1,
        "ap has been stopped for more than 1 h: 80004: busy\n"
        "main has been paused for more than 1 h: 80004: busy\n",
        "",
    )


async def test_a_long_record_is_read_whole(box: Box) -> None:
    why = "w" * 5000  # journalctl's JSON leaves out what is over 4096, unless it is told not to
    await said(box, "wordy", ALIVE, {**LONG, "SYNCD_WHY": why})
    assert asked(box, "wordy", 0)[0].endswith(why)
    assert why in watched(box, "wordy").out


async def test_what_went_wrong(box: Box) -> None:
    await said(box, "errors", ALIVE, STOPPED, FAILS, BUG, BRIEF)
    found = asked(box, "errors", 1)
    assert len(found) == 2
    assert "event=account.stopped" in found[0]
    assert "event=library.message" in found[1]
    ended = watched(box, "errors")
    assert ended.code == 1
    assert [line.split()[0] for line in ended.out.splitlines()] == [
        "event=account.stopped",
        "event=library.message",
    ]


async def test_who_is_silent(box: Box) -> None:
    await said(box, "silent", OPEN, BRIEF)
    assert asked(box, "silent", 2) == []
    assert watched(box, "silent") == Ran(1, "no stats for 5 min\n", "")
    box.do("systemctl", "stop", "syncd@silent")
    assert watched(box, "silent") == Ran(0, "", ""), "it is not meant to say anything"


@pytest.mark.parametrize("event", ["stats.process", "daemon.started"])
async def test_who_lives(box: Box, event: str) -> None:
    name = event.replace(".", "-")
    await said(box, name, {**ALIVE, "SYNCD_EVENT": event}, OPEN, BRIEF, FAILS)
    assert len(asked(box, name, 2)) == 1
    assert watched(box, name) == Ran(0, "", "")


async def test_a_sign_of_life_gets_old(box: Box) -> None:
    await said(box, "older", ALIVE, LONG)
    sooner = f"sed s/-5min/-1s/ {WATCH} | sh -s syncd@older.service"
    await until(lambda: box.run("sh", "-c", sooner) == Ran(1, "no stats for 5 min\n", ""))


async def test_another_unit_is_not_heard(box: Box) -> None:
    await said(box, "noisy", LONG, STOPPED)
    await said(box, "quiet", ALIVE)
    assert watched(box, "quiet") == Ran(0, "", "")


@pytest.mark.parametrize(
    "call",
    [
        "jq() { return 3; }",
        'journalctl() { case "$*" in *SYNCD_EVENT=stats) return 3;; esac; }',
        'journalctl() { case "$*" in *SYNCD_EVENT=stats.process*) return 3;; esac; }',
        'journalctl() { case "$*" in *--priority=err) return 3;; esac; }',
    ],
    ids=["jq", "who is paused", "who is silent", "what went wrong"],
)
async def test_a_look_that_fails_is_no_good_news(box: Box, call: str) -> None:
    ended = box.run("sh", "-c", f"systemctl() {{ :; }}; {call}; . {WATCH}")
    assert ended.code == 3


async def test_a_daemon_that_stays_down_is_told_of(box: Box) -> None:
    box.write("/etc/syncd/config.toml", "[graph]\nwrong = 1\n")
    box.run("systemctl", "start", "syncd")
    assert box.one("syncd", "ExecMainStatus") == "78"
    told = await mailed(box)
    assert re.match("-s syncd.service on [^ ]+ needs attention root\n", told)
    assert "status=78" in told
    assert "graph.wrong" in told, "the journal's last lines"


async def test_the_timer_tells_what_is_new_once(box: Box) -> None:
    await said(box, "timed", ALIVE, LONG, STOPPED)
    unit = "syncd-watch@syncd@timed"
    assert box.run("systemctl", "start", unit).code != 0
    told = await mailed(box)
    assert told.startswith(f"-s {unit}.service on ")
    assert "main has been paused for more than 1 h: 80004: busy" in told
    assert "event=account.stopped account=ap" in told
    box.do("systemctl", "start", unit)
    box.do("systemctl", "restart", "syncd@timed")
    await until(lambda: _cat(box, "timed").count("everything is said") == 2)
    box.do("journalctl", "--sync")
    assert box.run("systemctl", "start", unit).code != 0, "the error came again"
    last = box.do("journalctl", "-u", unit, "-n", "20", "-o", "cat", "--no-pager")
    assert last.count("main has been paused") == 1
    assert last.count("event=account.stopped account=ap") == 2


async def test_systemd_finds_nothing_wrong_with_the_units(box: Box) -> None:
    assert box.do("systemctl", "is-enabled", "syncd-watch@syncd.timer").strip() == "enabled"
    assert box.one("syncd-watch@syncd.timer", "ActiveState") == "active"
    assert "syncd-failed@syncd.service.service" in box.one("syncd", "OnFailure")
    for unit in ("syncd-watch@syncd.service", "syncd-watch@syncd.timer",
                 "syncd-failed@syncd.service.service"):  # fmt: skip
        ended = box.run("systemd-analyze", "verify", unit)
        assert (ended.code, ended.err) == (0, "")


async def test_the_readme_takes_it_away_again(box: Box) -> None:
    """The last test: nothing is watched after it."""
    box.write("/tmp/remove", sudo(lines_of("watch-remove")))
    box.do("bash", "/tmp/remove")
    assert box.run("test", "-e", WATCH).code != 0
    assert box.do("find", "/etc/systemd/system", "-name", "syncd-watch*") == ""
