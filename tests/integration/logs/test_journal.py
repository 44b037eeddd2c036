"""The journal's native protocol on a real socket: one entry per record, whatever its content."""

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.journal import Fields, Journal, fields_of, journal

from syncd.config import LogFormat, Secret
from syncd.log import LEVELS
from syncd.logs import secrets
from syncd.logs.forms import logfmt_form
from syncd.logs.journal import entry, is_journal, journal_writer
from syncd.logs.record import Record, record_of
from syncd.logs.secrets import hide
from syncd.logs.sinks import sink
from syncd.logs.value import plain

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)
TEXTS = st.text(st.characters() | st.sampled_from('\n\r\x1b\x85\u2028\u202e"=\\ \udcff\0'))
ANYTHING = st.recursive(
    TEXTS | st.binary() | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(TEXTS.filter(lambda name: name != "exc_info"), ANYTHING, max_size=4)
# The names that journald accepts from a client (systemd.journal-fields(7)); it drops others.
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
OWN = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYNCD_TIMESTAMP", "SYNCD_EVENT"]


def unexpected_fallback(lines: Sequence[bytes]) -> None:
    raise AssertionError(f"the journal exists, but the fallback got {lines!r}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Journal]:
    with journal(tmp_path) as server:
        yield server


def record(event: str, level: str = "info", **fields: object) -> Record:
    return record_of(level, {"event": event, **fields}, NOW)


def sent(server: Journal, one: Record) -> Fields:
    journal_writer(unexpected_fallback, server.address)([entry(one)])
    return fields_of(server.entry())


def test_an_entry_has_the_message_and_a_searchable_field_for_each_field(server: Journal) -> None:
    one = record("account.paused", "warning", account="main", seconds=60.5, until=None, n=[1, "a"])
    assert sent(server, one) == [
        ("MESSAGE", "account.paused account=main seconds=60.5 until=null n=1,a"),
        ("PRIORITY", "4"),
        ("SYSLOG_IDENTIFIER", "syncd"),
        ("SYNCD_TIMESTAMP", "2026-11-21T22:04:05.678Z"),
        ("SYNCD_EVENT", "account.paused"),
        ("SYNCD_ACCOUNT", "main"),
        ("SYNCD_SECONDS", "60.5"),
        ("SYNCD_UNTIL", "null"),
        ("SYNCD_N", '[1, "a"]'),
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_the_priority_is_that_of_syslog(server: Journal, level: str) -> None:
    syslog = ["", "", "critical", "error", "warning", "notice", "info", "debug"]
    assert dict(sent(server, record("e", level)))["PRIORITY"] == str(syslog.index(level))


def test_a_traceback_with_its_lines_is_in_one_entry(server: Journal) -> None:
    with pytest.raises(ValueError, match="two") as caught:
        int("two\nlines")
    fields = dict(sent(server, record("daemon.crashed", "critical", exc_info=caught.value)))
    assert fields["SYNCD_TRACEBACK"].splitlines()[0] == "Traceback (most recent call last):"
    assert "\n" not in fields["MESSAGE"]


@given(event=TEXTS, fields=FIELDS)
@example(event="x", fields={"file": "a\nPRIORITY=0\nSYNCD_EVENT=forged\n"})
@example(event="a\nPRIORITY=0", fields={"EVENT": "forged", "Timestamp": 1})
@example(event="x", fields={"x" * 100: 1, "1=2": 2, "ä\n": 3})
def test_any_record_is_one_entry_that_is_read_back_unchanged(
    event: str, fields: dict[str, object]
) -> None:
    one = record_of("info", {**fields, "event": event}, NOW)
    with tempfile.TemporaryDirectory() as directory, journal(Path(directory)) as server:
        read = sent(server, one)
    assert all(NAME.fullmatch(name) for name, _ in read)
    names = [name for name, _ in read]
    assert names[: len(OWN)] == OWN
    assert not set(OWN) & set(names[len(OWN) :]), "a field replaces one of the log's own"
    assert dict(read[: len(OWN)])["SYNCD_EVENT"] == plain(event)
    assert dict(read)["MESSAGE"].isprintable()
    assert logfmt_form(one).endswith(dict(read)["MESSAGE"])
    values = [value for _, value in read[len(OWN) :]]
    assert len(values) == len(one.fields)
    for value, shown in zip(values, one.fields.values(), strict=True):
        assert (value if isinstance(shown, str) else json.loads(value)) == shown


@pytest.mark.parametrize("text", ["x" * 8_000, "\U0001f600\n" * 4_000])
def test_an_entry_too_large_for_a_datagram_is_sent_as_a_sealed_file(
    server: Journal, text: str
) -> None:
    one = record("e", file=[text] * 50)
    before = len(os.listdir("/proc/self/fd"))
    fields = dict(sent(server, one))
    assert server.files == 1
    assert json.loads(fields["SYNCD_FILE"]) == one.fields["file"]
    assert len(os.listdir("/proc/self/fd")) == before, "a descriptor is left open"


@given(secret=st.text("EAB0123|%*\n", min_size=8, max_size=20).map("EAAB".__add__), around=TEXTS)
def test_no_entry_contains_a_secret(secret: str, around: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_known", [])
        hide(Secret(secret))
        one = record("e", text=f"{around}{secret}{around}", nested={secret: [secret]})
        assert secret.encode() not in entry(one)


def test_without_a_journal_the_fallback_gets_lines_with_a_priority(tmp_path: Path) -> None:
    lines: list[bytes] = []
    write = journal_writer(lines.extend, str(tmp_path / "missing"))
    write([entry(record("e", "error", file="a\nb=c")), entry(record("f", "notice"))])
    assert lines == [b'<3>e file="a\\nb=c"\n', b"<5>f\n"]


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[io.TextIOWrapper]:
    with open(tmp_path / "stderr", "w+") as stream:
        yield stream


def journal_environ(stream: io.TextIOWrapper) -> dict[str, str]:
    """Return what systemd sets for a process whose stream is connected to the journal."""
    status = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_a_stream_is_the_journals_only_if_device_and_inode_match(stderr: io.TextIOWrapper) -> None:
    assert is_journal(stderr, journal_environ(stderr))
    assert not is_journal(stderr, {})
    assert not is_journal(stderr, {"JOURNAL_STREAM": "8:1"}), "2>file under systemd"
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "8:1"})


@pytest.mark.parametrize(
    ("form", "to_journal", "native"),
    [
        (LogFormat.AUTO, True, True),
        (LogFormat.AUTO, False, False),
        (LogFormat.JOURNAL, False, True),
        (LogFormat.JSON, True, False),
        (LogFormat.LOGFMT, True, False),
    ],
)
def test_auto_uses_the_native_protocol_if_stderr_is_the_journals(
    stderr: io.TextIOWrapper, form: LogFormat, to_journal: bool, native: bool
) -> None:
    to = sink(form, stderr, journal_environ(stderr) if to_journal else {})
    assert to.to_stream is not native
    assert (fields_of(to.encode(record("e")))[0][0] == "MESSAGE") if native else True


def test_lines_written_to_the_journal_have_their_priority(stderr: io.TextIOWrapper) -> None:
    to = sink(LogFormat.JSON, stderr, journal_environ(stderr))
    to.write([to.encode(record("e", "warning"))])
    stderr.seek(0)
    text = stderr.read()
    assert text.startswith('<4>{"timestamp"')
    assert json.loads(text.removeprefix("<4>"))["event"] == "e"
