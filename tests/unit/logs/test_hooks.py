"""The hooks for library messages and uncaught exceptions: each is one record in the log."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from support.logfmt import read_logfmt

from syncd.config import LogFormat, Secret
from syncd.logs.hooks import LibraryHandler, capture_uncaught, run_loop
from syncd.logs.setup import configure_logs, hide

SECRET = "EAABsbCS1iHgBAKZCZCkZD"


def logged(form: LogFormat) -> io.StringIO:
    hide(Secret(SECRET))
    stream = io.StringIO()
    configure_logs("info", form, stream, {})
    return stream


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = logged(LogFormat.JSON)
    with capture_uncaught():
        yield stream


def fail() -> NoReturn:
    raise ValueError(f"of\n{SECRET}")


class Garbage:
    def __del__(self) -> None:
        fail()


async def in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0.01)


async def in_an_unawaited_task() -> None:
    async def failing() -> None:
        fail()

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    del task


def in_a_destructor() -> None:
    Garbage()


def in_a_thread() -> None:
    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("where", "how"),
    [
        ("thread reader", in_a_thread),
        ("exception ignored in: function", in_a_destructor),
        ("Exception in callback", lambda: run_loop(in_a_callback())),
        ("Task exception was never", lambda: run_loop(in_an_unawaited_task())),
    ],
)
def test_an_uncaught_exception_is_one_record_with_its_traceback_and_no_secret(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str], where: str, how: Callable[[], None]
) -> None:
    how()
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["level"], record["event"]) == ("critical", "error.uncaught")
    assert record["where"].startswith(where)
    assert record["why"] == "unexpected error: of\n***"
    assert record["traceback"].startswith("Traceback")
    assert record["traceback"].endswith("ValueError: of\n***")
    assert record["remedy"]
    assert SECRET not in line
    assert capfd.readouterr().err == ""


def test_a_thread_that_ends_itself_logs_nothing(stream: io.StringIO) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert stream.getvalue() == ""


def test_pythons_own_hooks_are_restored() -> None:
    before = threading.excepthook, sys.unraisablehook
    with capture_uncaught():
        assert (threading.excepthook, sys.unraisablehook) != before
    assert (threading.excepthook, sys.unraisablehook) == before


def test_run_loop_returns_and_raises_what_the_coroutine_does() -> None:
    async def value() -> int:
        return 5

    async def error() -> None:
        fail()

    assert run_loop(value()) == 5
    with pytest.raises(ValueError, match="of"):
        run_loop(error())


def test_warnings_and_errors_of_libraries_are_logged() -> None:
    stream = logged(LogFormat.LOGFMT)
    logging.getLogger("aiohttp.client").info("connected")
    logging.getLogger("aiohttp.client").warning("unclosed %s\n%s", "session", SECRET)
    (line,) = stream.getvalue().splitlines()
    pairs = read_logfmt(line)
    del pairs["timestamp"]
    assert pairs == {
        "level": "warning",
        "event": "library.message",
        "logger": "aiohttp.client",
        "message": "unclosed session\n***",
    }


def test_a_librarys_traceback_and_wrong_format_string_are_one_line_each() -> None:
    stream = logged(LogFormat.LOGFMT)
    logging.getLogger("asyncio").error("never retrieved", exc_info=ValueError("x"))
    # pytest's own handler on the root would raise.
    wrong = logging.LogRecord("other", logging.CRITICAL, "", 0, "%d of %d", ("a",), None)
    LibraryHandler().emit(wrong)
    logging.getLogger("other").log(35, "between")
    one, two, three = map(read_logfmt, stream.getvalue().splitlines())
    assert (one["level"], one["traceback"]) == ("error", "ValueError: x")
    assert (two["level"], two["message"]) == ("critical", "%d of %d")
    assert (three["level"], three["message"]) == ("warning", "between")
