"""What nobody caught is one record in the log, and nothing on stderr by itself."""

import asyncio
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
import structlog

from syncd.config import LogFormat, Secret
from syncd.logs import secrets
from syncd.logs.setup import configure_logs, hide
from syncd.logs.uncaught import run_loop, uncaught_told

SECRET = "EAABsbCS1iHgBAKZCZCkZD"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    monkeypatch.setattr(secrets, "_known", [])
    hide(Secret(SECRET))
    stream = io.StringIO()
    configure_logs("info", LogFormat.JSON, stream, {})
    with uncaught_told():
        yield stream
    structlog.reset_defaults()


def fail() -> NoReturn:
    raise ValueError(f"of\n{SECRET}")


class Garbage:
    def __del__(self) -> None:
        fail()


async def in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0.01)


async def in_a_task_that_nobody_awaits() -> None:
    async def failing() -> None:
        fail()

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    del task


def in_garbage() -> None:
    Garbage()


def in_a_thread() -> None:
    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()


@pytest.mark.parametrize(
    ("where", "how"),
    [
        ("thread reader", in_a_thread),
        ("exception ignored in: function", in_garbage),
        ("Exception in callback", lambda: run_loop(in_a_callback())),
        ("Task exception was never", lambda: run_loop(in_a_task_that_nobody_awaits())),
    ],
)
def test_it_is_one_record_with_its_traceback_and_no_secret(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str], where: str, how: Callable[[], None]
) -> None:
    how()
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["level"], record["event"]) == ("critical", "error.uncaught")
    assert record["where"].startswith(where)
    assert record["why"] == "ValueError: of\n***"
    assert record["traceback"].startswith("Traceback")
    assert record["remedy"]
    assert SECRET not in line
    assert capfd.readouterr().err == ""


def test_a_thread_may_end_itself(stream: io.StringIO) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert stream.getvalue() == ""


def test_python_has_its_own_hooks_back_afterwards() -> None:
    before = threading.excepthook, sys.unraisablehook
    with uncaught_told():
        assert (threading.excepthook, sys.unraisablehook) != before
    assert (threading.excepthook, sys.unraisablehook) == before


def test_what_the_loop_returns_and_raises_comes_out_as_it_was() -> None:
    async def value() -> int:
        return 5

    async def error() -> None:
        fail()

    assert run_loop(value()) == 5
    with pytest.raises(ValueError, match="of"):
        run_loop(error())
