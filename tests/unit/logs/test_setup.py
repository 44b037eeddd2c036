"""The configuration of the log: level, form, stream, and writers that fail."""

import io
import logging
import re
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NoReturn

import pytest
import structlog
from support.logfmt import read_logfmt

from syncd.config import LogFormat, LogLevel
from syncd.log import LEVELS, Log
from syncd.logs.setup import Lines, configure_logs

log: Log = structlog.get_logger()

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\d")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Unwritable(io.StringIO):
    def write(self, _text: str) -> NoReturn:
        raise BrokenPipeError


def logged(form: LogFormat = LogFormat.LOGFMT, level: str = "debug") -> io.StringIO:
    stream = io.StringIO()
    configure_logs(level, form, stream, {})
    return stream


def test_a_logger_made_before_the_log_is_configured_writes_to_it() -> None:
    stream = logged()
    log.info("service.started", version="0.1.0")
    assert re.fullmatch(
        r"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info event=service\.started"
        r" version=0\.1\.0\n",
        stream.getvalue(),
    )


@pytest.mark.parametrize(
    ("level", "logged_levels"),
    [
        (LogLevel.DEBUG, ["debug", "info", "notice", "warning", "error"]),
        (LogLevel.INFO, ["info", "notice", "warning", "error"]),
        (LogLevel.NOTICE, ["notice", "warning", "error"]),
        (LogLevel.WARNING, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
    ],
)
def test_records_below_the_level_are_not_logged(level: LogLevel, logged_levels: list[str]) -> None:
    stream = logged(level=level)
    for name in LogLevel:
        getattr(log, name)("e")
    for number in (LEVELS[name] for name in LogLevel):
        log.log(number, "e")
    lines = stream.getvalue().splitlines()
    assert [read_logfmt(line)["level"] for line in lines] == logged_levels * 2


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
def test_the_form_is_the_configured_one_and_auto_depends_on_the_stream(
    form: LogFormat, stream: type[io.StringIO], environ: Mapping[str, str], begins: str
) -> None:
    into = stream()
    configure_logs("info", form, into, environ)
    log.info("e")
    assert re.sub(r"^\d\d:\d\d:\d\d", "TIME", into.getvalue()).startswith(begins)


@pytest.mark.parametrize("form", [LogFormat.LOGFMT, LogFormat.JSON, LogFormat.CONSOLE])
@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_each_row_of_columns_is_logged_as_one_record(form: LogFormat, level: str) -> None:
    at_once = logged(form, level)
    log.info_each("image.held", account=repeat("main"), file=["a b.jpg", "c.jpg"], n=[1, None])
    singly = logged(form, level)
    log.info("image.held", account="main", file="a b.jpg", n=1)
    log.info("image.held", account="main", file="c.jpg", n=None)
    assert bool(singly.getvalue()) == (level != "warning")
    assert TIME.sub("", at_once.getvalue()) == TIME.sub("", singly.getvalue())


def test_columns_without_a_row_are_not_logged() -> None:
    stream = logged()
    log.info_each("image.held", account=repeat("main"), file=[])
    assert stream.getvalue() == ""


def test_bound_fields_are_in_each_row() -> None:
    stream = logged()
    structlog.get_logger().bind(account="main").info_each("e", n=[1, 2])
    lines = stream.getvalue().splitlines()
    assert [line.partition(" event=")[2] for line in lines] == [
        "e account=main n=1",
        "e account=main n=2",
    ]


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


def test_a_record_without_an_exception_has_no_traceback() -> None:
    stream = logged()
    log.error("e", exc_info=True)  # noqa: LOG014 - the case under test
    log.error("e", exc_info=None)
    assert "traceback" not in stream.getvalue()


def test_bound_fields_are_logged() -> None:
    stream = logged()
    structlog.get_logger().bind(account="main").info("e", n=1)
    assert stream.getvalue().endswith(" event=e account=main n=1\n")


def test_a_record_that_cannot_be_written_is_dropped_silently() -> None:
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


def test_lines_can_be_redirected_for_a_while() -> None:
    stream, taken = io.StringIO(), list[str]()
    lines = configure_logs("info", LogFormat.LOGFMT, stream, {})
    with lines.redirected(taken.append):
        log.info("inside")
    log.info("outside")
    assert [read_logfmt(line)["event"] for line in taken] == ["inside"]
    assert read_logfmt(stream.getvalue().strip())["event"] == "outside"


def test_an_error_of_the_writer_does_not_reach_the_caller() -> None:
    def fail(lines: Sequence[bytes]) -> NoReturn:
        raise OSError(lines)

    lines = Lines(fail)
    lines.info(b"e")


def test_a_log_configured_twice_writes_each_record_once() -> None:
    logged()
    stream = logged()
    logging.getLogger("asyncio").warning("x")
    log.info("e")
    assert len(stream.getvalue().splitlines()) == 2
