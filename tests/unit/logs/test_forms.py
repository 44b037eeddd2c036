"""The log: one line an event in each form, no secret in any, nothing raised."""

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.config import LogFormat, LogLevel, Secret
from syncd.log import LEVELS, Log
from syncd.logs import secrets
from syncd.logs.forms import Form, coloured, console_form, json_form, logfmt_form, uncoloured
from syncd.logs.hooks import LibraryHandler
from syncd.logs.record import Record, record_of
from syncd.logs.setup import Lines, configure_logs, hide
from syncd.logs.value import LONGEST, Plain, plain
from syncd.model import printable

log: Log = structlog.get_logger()

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)
FORMS = [json_form, logfmt_form, console_form(uncoloured), console_form(coloured)]
TOKEN = "EAABsbCS1iHgBAKZCZCkZD"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secrets, "_known", [])
    root = logging.getLogger()
    handlers = root.handlers[:]
    yield
    root.handlers[:] = handlers
    logging.captureWarnings(False)
    structlog.reset_defaults()


def logged(form: LogFormat = LogFormat.LOGFMT, level: str = "debug") -> io.StringIO:
    stream = io.StringIO()
    configure_logs(level, form, stream, {})
    return stream


def written(form: Form, event: str, **fields: object) -> str:
    return form(record_of("info", {"event": event, **fields}, NOW))


def read_logfmt(line: str) -> dict[str, str]:
    """Read logfmt as others do: a quoted value is what Go and JSON call a string."""
    pairs: dict[str, str] = {}
    pair = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^ "=]*)(?: |$)')
    at = 0
    while at < len(line):
        found = pair.match(line, at)
        assert found is not None, f"no logfmt from here: {line[at:]!r}"
        name, value = found.groups()
        assert name not in pairs
        pairs[name] = json.loads(value) if value.startswith('"') else value
        at = found.end()
    return pairs


def test_json_is_one_object_with_the_time_in_utc() -> None:
    line = written(json_form, "account.paused", account="main", code=80004, until=None)
    assert line == (
        '{"timestamp": "2026-11-21T22:04:05.678Z", "level": "info", "event": "account.paused",'
        ' "account": "main", "code": 80004, "until": null}'
    )


def test_logfmt_quotes_what_a_word_cannot_hold() -> None:
    line = written(logfmt_form, "account.paused", reason='too "many" calls', empty="", ok=True)
    assert line == (
        "timestamp=2026-11-21T22:04:05.678Z level=info event=account.paused"
        r' reason="too \"many\" calls" empty="" ok=true'
    )


def test_the_console_form_leaves_out_what_says_nothing() -> None:
    said = written(console_form(uncoloured), "e", a=None, b={}, c=[], d=0, e="", f=False)
    assert said.endswith(' d=0 e="" f=false')
    assert " a=null b={} c=" in written(logfmt_form, "e", a=None, b={}, c=[])


def test_the_console_form_is_short_and_its_fields_stand_in_one_column() -> None:
    form = console_form(uncoloured)
    clock = NOW.astimezone().strftime("%H:%M:%S")
    assert written(form, "stats", held=12) == f"{clock} info  stats                held=12"
    assert written(form, "account.paused", account="main", seconds=3.14159) == (
        f"{clock} info  account.paused       account=main seconds=3.142"
    )
    assert written(form, "service.stopped") == f"{clock} info  service.stopped"


def test_colours_change_nothing_but_colours() -> None:
    record = record_of("warning", {"event": "account.paused", "account": "main", "n": 3}, NOW)
    with_colours = console_form(coloured)(record)
    assert "\x1b[33mwarn\x1b[0m" in with_colours
    assert re.sub(r"\x1b\[[0-9;]*m", "", with_colours) == console_form(uncoloured)(record)


class Kind(Enum):
    UPLOAD = "upload"


@dataclass(frozen=True)
class Opaque:
    name: str


class Broken:
    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")


RECURSIVE: list[object] = []
RECURSIVE.append(RECURSIVE)

VALUES: list[tuple[object, Plain]] = [
    ("text", "text"),
    (b"/srv/Fr\xc3\xbchling.jpg", "/srv/Frühling.jpg"),
    (b"/srv/\xff\n.jpg", "/srv/\\xff\\x0a.jpg"),
    ("/srv/\udcff.jpg", "/srv/\\xff.jpg"),
    ("\ud800", "\\ud800"),
    (Path("/srv/a"), "/srv/a"),
    (Kind.UPLOAD, "upload"),
    (LogLevel.INFO, "info"),
    (True, True),
    (3, 3),
    (2**60, "0x1000000000000000"),
    (41.23456, 41.235),
    (0.000123456, 0.000123),
    (float("nan"), "nan"),
    (NOW, "2026-11-21T22:04:05.678+00:00"),
    (ValueError("bad"), "ValueError: bad"),
    (TimeoutError(), "TimeoutError"),
    (Secret("s"), "***"),
    (Opaque("x"), "Opaque(name='x')"),
    (Broken(), "<Broken>"),
    (["a", b"b"], ["a", "b"]),
    ({"a": {1}}, {"a": [1]}),
    (RECURSIVE, [[[["…"]]]]),
    (range(52), [*range(50), "… 2 more"]),
]


@pytest.mark.parametrize(("value", "shown"), VALUES, ids=[type(v).__name__ for v, _ in VALUES])
def test_a_value_is_shown_as_json_has_it(value: object, shown: Plain) -> None:
    assert plain(value) == shown


def test_a_long_text_keeps_both_ends() -> None:
    shown = plain("a" + "x" * 100_000 + "z")
    assert isinstance(shown, str)
    assert (shown[0], shown[-1]) == ("a", "z")
    assert len(shown) < LONGEST + 10


def test_a_list_is_written_with_commas() -> None:
    assert read_logfmt(written(logfmt_form, "e", accounts=["main", "eu"], n=[1, 2.5, True])) == {
        "timestamp": "2026-11-21T22:04:05.678Z",
        "level": "info",
        "event": "e",
        "accounts": "main,eu",
        "n": "1,2.5,true",
    }


def test_a_field_does_not_take_the_place_of_the_logs_own() -> None:
    assert written(json_form, "e", level="fine", timestamp=0).endswith(
        '"event": "e", "level_": "fine", "timestamp_": 0}'
    )


TEXTS = st.text(st.characters() | st.sampled_from('\n\r\x1b\x85\u2028\u202e"=\\ \udcff\0'))
ANYTHING = st.recursive(
    TEXTS | st.binary() | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(TEXTS, ANYTHING, max_size=4)


@given(event=TEXTS, fields=FIELDS)
@example(event="x", fields={"path": b"a\nlevel=error event=forged"})
def test_one_event_is_one_line_of_visible_characters_in_every_form(
    event: str, fields: dict[str, object]
) -> None:
    record = record_of("info", {**fields, "event": event}, NOW)
    for form in (json_form, logfmt_form, console_form(uncoloured)):
        line = form(record)
        assert line.isprintable()
        assert line.splitlines() == [line]
        line.encode("utf-8")


@given(name=st.binary())
def test_a_file_name_comes_out_of_each_form_as_it_is_shown_elsewhere(name: bytes) -> None:
    shown = printable(name)
    assert json.loads(written(json_form, "e", path=name))["path"] == shown
    assert read_logfmt(written(logfmt_form, "e", path=name))["path"] == shown


@given(event=TEXTS, value=TEXTS)
def test_what_is_no_broken_text_comes_out_as_it_went_in(event: str, value: str) -> None:
    text = plain(value)
    assert json.loads(written(json_form, event, value=value))["value"] == text
    pairs = read_logfmt(written(logfmt_form, event, value=value))
    assert (pairs["value"], pairs["event"]) == (text, plain(event))
    if not re.search("[\ud800-\udfff]", value):
        assert text == value


SECRETS = st.text("EAB0123|%*", min_size=4, max_size=20).map("EAAB".__add__)


@given(
    secrets=st.lists(SECRETS, min_size=1, max_size=3),
    before=TEXTS,
    after=TEXTS,
    form=st.sampled_from(FORMS),
)
def test_a_secret_never_appears(secrets: list[str], before: str, after: str, form: Form) -> None:
    for text in secrets:
        hide(Secret(text))
    secret = secrets[0]
    around = f"{before}{secret}{after}"
    error = ValueError(around)
    line = written(
        form,
        f"event {around}",
        text=around,
        path=around.encode("utf-8", "surrogatepass"),
        error=error,
        exc_info=error,
        nested={around: [around, {secret: (secret,)}]},
        other=Opaque(secret),
        **{f"name {secret}": 1},
    )
    assert secret not in line
    assert line.count("***") >= 8


def test_a_secret_is_hidden_in_a_url_too() -> None:
    hide(Secret("123456|abc/def"))
    assert plain("https://x/?access_token=123456%7Cabc%2Fdef&a=b") == (
        "https://x/?access_token=***&a=b"
    )


def test_a_secret_that_another_begins_with_leaves_no_remains() -> None:
    hide(Secret("EAABtoken"))
    hide(Secret("EAABtoken-of-eu"))
    assert plain("EAABtoken-of-eu EAABtoken") == "*** ***"


def test_what_hides_one_secret_does_not_make_another() -> None:
    hide(Secret("**tokens"))
    assert plain("**tokenstokens") == "****"


def test_a_short_word_is_not_hidden() -> None:
    hide(Secret("main"))
    hide(Secret(""))
    assert plain("account main") == "account main"


def test_a_logger_made_before_the_log_is_set_up_writes_to_it() -> None:
    stream = logged()
    log.info("service.started", version="0.1.0")
    assert re.fullmatch(
        r"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info event=service\.started"
        r" version=0\.1\.0\n",
        stream.getvalue(),
    )


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (LogLevel.DEBUG, ["debug", "info", "notice", "warning", "error"]),
        (LogLevel.INFO, ["info", "notice", "warning", "error"]),
        (LogLevel.NOTICE, ["notice", "warning", "error"]),
        (LogLevel.WARNING, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_said(level: LogLevel, said: list[str]) -> None:
    stream = logged(level=level)
    for name in LogLevel:
        getattr(log, name)("e")
    for number in (LEVELS[name] for name in LogLevel):
        log.log(number, "e")
    assert [read_logfmt(line)["level"] for line in stream.getvalue().splitlines()] == said * 2


@pytest.mark.parametrize(
    ("form", "stream", "environ", "begins"),
    [
        (LogFormat.AUTO, Screen, {}, "\x1b[2m"),
        (LogFormat.AUTO, Screen, {"NO_COLOR": "1"}, "TIME"),
        (LogFormat.AUTO, Screen, {"NO_COLOR": ""}, "\x1b[2m"),
        (LogFormat.AUTO, Screen, {"TERM": "dumb"}, "TIME"),
        (LogFormat.AUTO, io.StringIO, {}, "timestamp="),
        (LogFormat.CONSOLE, Screen, {}, "\x1b[2m"),
        (LogFormat.CONSOLE, io.StringIO, {}, "TIME"),
        (LogFormat.LOGFMT, Screen, {}, "timestamp="),
        (LogFormat.JSON, Screen, {}, "{"),
    ],
)
def test_the_form_is_as_configured_and_auto_looks_at_the_stream(
    form: LogFormat, stream: type[io.StringIO], environ: Mapping[str, str], begins: str
) -> None:
    into = stream()
    configure_logs("info", form, into, environ)
    log.info("e")
    assert re.sub(r"^\d\d:\d\d:\d\d", "TIME", into.getvalue()).startswith(begins)


def test_an_exception_is_one_line_with_its_traceback_in_a_field() -> None:
    stream = logged()
    try:
        int("two\nlines")
    except ValueError:
        structlog.get_logger().exception("worker.crashed", account="main")
    (line,) = stream.getvalue().splitlines()
    pairs = read_logfmt(line)
    assert (pairs["level"], pairs["event"], pairs["account"]) == ("error", "worker.crashed", "main")
    assert pairs["traceback"].startswith("Traceback (most recent call last):\n")
    assert pairs["traceback"].endswith("base 10: 'two\\nlines'")


def test_no_exception_no_traceback() -> None:
    stream = logged()
    log.error("e", exc_info=True)  # noqa: LOG014 - what is asked here
    log.error("e", exc_info=None)
    assert "traceback" not in stream.getvalue()


def test_bound_fields_come_along() -> None:
    stream = logged()
    structlog.get_logger().bind(account="main").info("e", n=1)
    assert stream.getvalue().endswith(" event=e account=main n=1\n")


class Unwritable(io.StringIO):
    def write(self, _text: str) -> NoReturn:
        raise BrokenPipeError


def test_what_cannot_be_written_is_dropped_without_a_word() -> None:
    closed = io.StringIO()
    configure_logs("info", LogFormat.AUTO, closed, {})
    closed.close()
    log.info("e")
    configure_logs("info", LogFormat.AUTO, Unwritable(), {})
    log.info("e")
    logging.getLogger("asyncio").error("e")


def test_a_stream_that_is_not_utf_8_gets_escapes() -> None:
    content = io.BytesIO()
    configure_logs("info", LogFormat.LOGFMT, io.TextIOWrapper(content, "ascii"), {})
    log.info("e", path="Frühling")
    assert content.getvalue().endswith(b" path=Fr\\xfchling\n")


def test_lines_go_elsewhere_for_a_while() -> None:
    stream, taken = io.StringIO(), list[str]()
    lines = configure_logs("info", LogFormat.LOGFMT, stream, {})
    with lines.through(taken.append):
        log.info("inside")
    log.info("outside")
    assert [read_logfmt(line)["event"] for line in taken] == ["inside"]
    assert read_logfmt(stream.getvalue().strip())["event"] == "outside"


def test_a_writer_that_fails_does_not_reach_the_caller() -> None:
    def fail(lines: Sequence[bytes]) -> NoReturn:
        raise OSError(lines)

    lines = Lines(fail)
    lines.info(b"e")


def test_libraries_come_through_the_same_door_from_warning_on() -> None:
    hide(Secret(TOKEN))
    stream = logged()
    logging.getLogger("aiohttp.client").info("connected")
    logging.getLogger("aiohttp.client").warning("unclosed %s\n%s", "session", TOKEN)
    (line,) = stream.getvalue().splitlines()
    pairs = read_logfmt(line)
    del pairs["timestamp"]
    assert pairs == {
        "level": "warning",
        "event": "library.message",
        "logger": "aiohttp.client",
        "message": "unclosed session\n***",
    }


def test_a_librarys_traceback_and_wrong_format_are_one_line_each() -> None:
    stream = logged()
    logging.getLogger("asyncio").error("never retrieved", exc_info=ValueError("x"))
    # pytest's own handler on the root would raise.
    wrong = logging.LogRecord("other", logging.CRITICAL, "", 0, "%d of %d", ("a",), None)
    LibraryHandler().emit(wrong)
    logging.getLogger("other").log(35, "between")
    one, two, three = map(read_logfmt, stream.getvalue().splitlines())
    assert (one["level"], one["traceback"]) == ("error", "ValueError: x")
    assert (two["level"], two["message"]) == ("critical", "%d of %d")
    assert (three["level"], three["message"]) == ("warning", "between")


def test_a_log_set_up_twice_says_everything_once() -> None:
    logged()
    stream = logged()
    logging.getLogger("asyncio").warning("x")
    log.info("e")
    assert len(stream.getvalue().splitlines()) == 2


def test_a_record_keeps_its_own_time_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-22T00:04:05+02:00")
    assert Record(at, "info", "e", {}).timestamp == "2026-11-21T22:04:05.000Z"
