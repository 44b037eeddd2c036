"""The log's queue: nobody who logs waits, nothing is lost without a word, errors last of all."""

import asyncio
import io
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TextIO

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from support.waiting import wait_until

from syncd.config import LogFormat
from syncd.log import Log
from syncd.logs.queue import LogQueue
from syncd.logs.setup import Lines, configure_logs

log: Log = structlog.get_logger()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Reader:
    """A writer whose other end reads only while it is `reading`; it fails while it is `broken`."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.called = threading.Event()
        self.broken = False
        self.writes: list[list[bytes]] = []

    def __call__(self, records: Sequence[bytes]) -> None:
        self.called.set()
        self.reading.wait()
        if self.broken:
            raise OSError("nobody there")
        self.writes.append(list(records))

    @property
    def read(self) -> list[bytes]:
        return [record for write in self.writes for record in write]


class Pipe:
    """A pipe as stderr is one, read only when it is asked for."""

    def __init__(self) -> None:
        self.end, write = os.pipe()
        self.stream: TextIO = os.fdopen(write, "w")

    def rest(self) -> str:
        """Close what is written to, and read everything."""
        self.stream.close()
        return self.read()

    def read(self) -> str:
        """Read until nobody can write any more."""
        with os.fdopen(self.end) as reading:
            return reading.read()


def logging_to(stream: TextIO, queue: LogQueue) -> Lines:
    return configure_logs("info", LogFormat.LOGFMT, stream, {}, queue=queue)


def test_what_came_while_it_wrote_is_one_write_in_its_order() -> None:
    reader = Reader()
    with LogQueue() as queue:
        queue.put(reader, b"first", grave=False)
        assert reader.called.wait(5)
        for number in range(50):
            queue.put(reader, b"%d" % number, grave=False)
        reader.reading.set()
    assert reader.writes == [[b"first"], [b"%d" % number for number in range(50)]]


def test_what_several_threads_say_stays_apart_and_none_is_lost() -> None:
    pipe = Pipe()
    with LogQueue() as queue:
        logging_to(pipe.stream, queue)
        threads = [
            threading.Thread(target=lambda: [log.info("e") for _ in range(200)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = pipe.rest().splitlines()
    assert len(lines) == 800
    assert all(re.fullmatch(r"timestamp=\S+ level=info event=e", line) for line in lines)


async def test_a_loop_never_waits_for_who_does_not_read_and_hears_what_was_lost() -> None:
    pipe = Pipe()
    with LogQueue(room=200_000, reserve=50_000) as queue:
        lines = logging_to(pipe.stream, queue)
        for number in range(5_000):
            log.info("image.held", number=number)
        for number in range(50):
            log.error("account.stopped", number=number)
        await asyncio.sleep(0)
        assert lines.dropped == queue.dropped > 0
        # It flows again, so what waits is written at the end, and what was lost is said.
        heard: list[str] = []
        reading = threading.Thread(target=lambda: heard.append(pipe.read()))
        reading.start()
    pipe.stream.close()
    reading.join()
    (text,) = heard
    assert text.count("event=image.held") == 5_000 - queue.dropped
    assert text.count("event=account.stopped") == 50, "the reserve is theirs"
    said = re.findall(r"level=warning event=log\.dropped records=(\d+) seconds=[\d.]+", text)
    assert sum(map(int, said)) == queue.dropped


@given(
    records=st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60),
    room=st.integers(500, 4000),
)
def test_a_record_is_dropped_only_where_there_is_no_room_for_its_kind(
    records: list[tuple[int, bool]], room: int
) -> None:
    reader, reserve, each = Reader(), room // 4, 150
    with LogQueue(room, reserve) as queue:
        queue.put(reader, b"", grave=True)
        assert reader.called.wait(5)  # it is stuck from here on
        waits, kept, lost = each, [], 0
        for number, (size, grave) in enumerate(records):
            record = b"%02d" % number + b"x" * size
            if waits + len(record) + each <= (room if grave else room - reserve):
                waits += len(record) + each
                kept.append(record)
            else:
                lost += 1
            queue.put(reader, record, grave=grave)
        assert queue.dropped == lost
        reader.reading.set()
    assert reader.read[1:] == kept


def test_everything_is_written_at_the_end_also_of_a_crash() -> None:
    pipe = Pipe()

    async def say() -> None:
        for number in range(500):
            log.info("e", number=number)
        raise RuntimeError("a bug")

    def crash() -> None:
        with LogQueue() as queue:
            logging_to(pipe.stream, queue)
            asyncio.run(say())

    with pytest.raises(RuntimeError):
        crash()
    assert f"number={499}\n" in pipe.rest()


def test_what_is_said_after_the_end_is_written_at_once() -> None:
    reader = Reader()
    reader.reading.set()
    queue = LogQueue()
    queue.put(reader, b"before", grave=False)
    with queue:
        pass
    queue.put(reader, b"after", grave=False)
    assert reader.read == [b"before", b"after"]


def test_who_never_reads_does_not_hold_the_end_up() -> None:
    reader = Reader()
    began = time.monotonic()
    with LogQueue(ending=0.2) as queue:
        queue.put(reader, b"a", grave=False)
    queue.put(reader, b"late", grave=True)
    assert 0.2 <= time.monotonic() - began < 2
    reader.reading.set()


def test_what_could_not_be_written_is_counted_and_said_once_it_can() -> None:
    reader, said = Reader(), io.StringIO()
    reader.broken = True
    reader.reading.set()
    with LogQueue() as queue:
        logging_to(said, queue)
        queue.put(reader, b"lost", grave=True)
        wait_until(lambda: queue.dropped == 1)
        assert said.getvalue() == "", "nothing flows yet"
        reader.broken = False
        queue.put(reader, b"through", grave=False)
    assert reader.read == [b"through"]
    assert "event=log.dropped records=1 " in said.getvalue()


def test_a_reader_that_fails_for_good_is_not_told_of_its_failures() -> None:
    with LogQueue() as queue:
        logging_to(broken := Broken(), queue)
        log.info("e")
        wait_until(lambda: queue.dropped == 1)
    assert broken.tries == 1


class Broken(io.StringIO):
    tries = 0

    def write(self, _text: str) -> int:
        self.tries += 1
        raise BrokenPipeError


def test_garbage_that_logs_while_its_thread_logs_stops_nothing() -> None:
    reader = Reader()
    reader.reading.set()
    with LogQueue() as queue, queue._changed:  # as `put` holds it when garbage is collected in it
        queue.put(reader, b"from within", grave=False)
    assert reader.read == [b"from within"]


def test_a_pipe_that_somebody_made_non_blocking_gets_all_of_it() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.stream.fileno(), False)
    heard: list[str] = []
    with LogQueue() as queue:
        logging_to(pipe.stream, queue)
        for _ in range(3_000):
            log.info("e", text="x" * 100)
        reading = threading.Thread(target=lambda: heard.append(pipe_lines(pipe.end, 3_000)))
        reading.start()
    reading.join()
    assert all(line.endswith("x" * 100) for line in heard[0].splitlines())
    pipe.rest()


def pipe_lines(end: int, count: int) -> str:
    text = b""
    while text.count(b"\n") < count:
        text += os.read(end, 65536)
    return text.decode()
