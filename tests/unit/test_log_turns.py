"""What is said in one turn of the event loop is written together."""

import asyncio
import io

import pytest
import structlog

from syncd.config import LogFormat
from syncd.log import Log
from syncd.service.logs import configure_logs

log: Log = structlog.get_logger()


class Written(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


@pytest.fixture
def stream() -> Written:
    stream = Written()
    configure_logs("info", LogFormat.LOGFMT, stream, {})
    return stream


async def test_the_lines_of_a_turn_are_one_write_in_their_order(stream: Written) -> None:
    for number in range(50):
        log.info("image.held", number=number)
    await asyncio.sleep(0)
    (text,) = stream.writes
    lines = text.splitlines()
    assert [line.rpartition("=")[2] for line in lines] == [str(n) for n in range(50)]
    log.info("later")
    await asyncio.sleep(0)
    assert len(stream.writes) == 2


async def test_a_thread_is_heard_at_once_and_after_what_was_said_before(stream: Written) -> None:
    log.info("before")
    await asyncio.to_thread(log.info, "from a thread")
    assert [line.rpartition(" event=")[2] for line in "".join(stream.writes).splitlines()] == [
        "before",
        '"from a thread"',
    ]


def test_the_last_words_are_written_when_the_loop_ends(stream: Written) -> None:
    async def fail() -> None:
        log.error("last")
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        asyncio.run(fail())
    assert "event=last" in "".join(stream.writes)


async def test_a_stream_that_is_gone_stops_nothing() -> None:
    closed = io.StringIO()
    configure_logs("info", LogFormat.LOGFMT, closed, {})
    closed.close()
    log.info("e")
    await asyncio.sleep(0)
