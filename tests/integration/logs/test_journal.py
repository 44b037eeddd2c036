"""The journal's native protocol, on a real socket: one record, one entry, whatever is in it."""

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
# As journald takes a client's field names (systemd.journal-fields(7)); others it drops.
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
OWN = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYNCD_TIMESTAMP", "SYNCD_EVENT"]


def refuse(lines: Sequence[bytes]) -> None:
    raise AssertionError(f"the journal was there for {lines!r}")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Journal]:
    with journal(tmp_path) as there:
        yield there


def record(event: str, level: str = "info", **fields: object) -> Record:
    return record_of(level, {"event": event, **fields}, NOW)


def sent(there: Journal, one: Record) -> Fields:
    journal_writer(refuse, there.address)([entry(one)])
    return fields_of(there.entry())


def test_an_entry_has_the_message_and_each_field_to_search_by(there: Journal) -> None:
    one = record("account.paused", "warning", account="main", seconds=60.5, until=None, n=[1, "a"])
    assert sent(there, one) == [
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
def test_the_priority_is_syslogs(there: Journal, level: str) -> None:
    syslog = ["", "", "critical", "error", "warning", "notice", "info", "debug"]
    assert dict(sent(there, record("e", level)))["PRIORITY"] == str(syslog.index(level))


def test_a_traceback_is_one_entry_with_its_lines(there: Journal) -> None:
    with pytest.raises(ValueError, match="two") as caught:
        int("two\nlines")
    fields = dict(sent(there, record("daemon.crashed", "critical", exc_info=caught.value)))
    assert fields["SYNCD_TRACEBACK"].splitlines()[0] == "Traceback (most recent call last):"
    assert "\n" not in fields["MESSAGE"]


@given(event=TEXTS, fields=FIELDS)
@example(event="x", fields={"file": "a\nPRIORITY=0\nSYNCD_EVENT=forged\n"})
@example(event="a\nPRIORITY=0", fields={"EVENT": "forged", "Timestamp": 1})
@example(event="x", fields={"x" * 100: 1, "1=2": 2, "ä\n": 3})
def test_whatever_is_in_a_record_it_is_one_entry_that_reads_back(
    event: str, fields: dict[str, object]
) -> None:
    one = record_of("info", {**fields, "event": event}, NOW)
    with tempfile.TemporaryDirectory() as directory, journal(Path(directory)) as there:
        read = sent(there, one)
    assert all(NAME.fullmatch(name) for name, _ in read)
    names = [name for name, _ in read]
    assert names[: len(OWN)] == OWN
    assert not set(OWN) & set(names[len(OWN) :]), "no field takes the place of the log's own"
    assert dict(read[: len(OWN)])["SYNCD_EVENT"] == plain(event)
    assert dict(read)["MESSAGE"].isprintable()
    assert logfmt_form(one).endswith(dict(read)["MESSAGE"])
    values = [value for _, value in read[len(OWN) :]]
    assert len(values) == len(one.fields)
    for value, shown in zip(values, one.fields.values(), strict=True):
        assert (value if isinstance(shown, str) else json.loads(value)) == shown


@pytest.mark.parametrize("text", ["x" * 8_000, "\U0001f600\n" * 4_000])
def test_what_is_too_big_for_a_datagram_comes_as_a_sealed_file(there: Journal, text: str) -> None:
    one = record("e", file=[text] * 50)
    before = len(os.listdir("/proc/self/fd"))
    fields = dict(sent(there, one))
    assert there.files == 1
    assert json.loads(fields["SYNCD_FILE"]) == one.fields["file"]
    assert len(os.listdir("/proc/self/fd")) == before, "no descriptor is left open"


@given(secret=st.text("EAB0123|%*\n", min_size=8, max_size=20).map("EAAB".__add__), around=TEXTS)
def test_a_secret_is_in_no_entry(secret: str, around: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_known", [])
        hide(Secret(secret))
        one = record("e", text=f"{around}{secret}{around}", nested={secret: [secret]})
        assert secret.encode() not in entry(one)


def test_where_no_journal_answers_lines_with_a_priority_go_instead(tmp_path: Path) -> None:
    instead: list[bytes] = []
    write = journal_writer(instead.extend, str(tmp_path / "nobody"))
    write([entry(record("e", "error", file="a\nb=c")), entry(record("f", "notice"))])
    assert instead == [b'<3>e file="a\\nb=c"\n', b"<5>f\n"]


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[io.TextIOWrapper]:
    with open(tmp_path / "stderr", "w+") as stream:
        yield stream


def named(stream: io.TextIOWrapper) -> dict[str, str]:
    """What systemd tells a process whose stream goes to the journal."""
    status = os.fstat(stream.fileno())
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_the_journal_is_known_by_the_stream_alone(stderr: io.TextIOWrapper) -> None:
    assert is_journal(stderr, named(stderr))
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
def test_auto_is_native_where_stderr_is_the_journals(
    stderr: io.TextIOWrapper, form: LogFormat, to_journal: bool, native: bool
) -> None:
    to = sink(form, stderr, named(stderr) if to_journal else {})
    assert to.to_stream is not native
    assert (fields_of(to.encode(record("e")))[0][0] == "MESSAGE") if native else True


def test_lines_that_go_to_the_journal_have_their_priority(stderr: io.TextIOWrapper) -> None:
    to = sink(LogFormat.JSON, stderr, named(stderr))
    to.write([to.encode(record("e", "warning"))])
    stderr.seek(0)
    text = stderr.read()
    assert text.startswith('<4>{"timestamp"')
    assert json.loads(text.removeprefix("<4>"))["event"] == "e"
