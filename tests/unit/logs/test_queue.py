"""The log's queue: logging never blocks, and every dropped record is counted and reported."""

import asyncio
import io
import os
import re
import threading
import time
from collections.abc import Sequence
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


class Reader:
    """A writer that blocks until `reading` is set, and fails while it is `broken`."""

    def __init__(self) -> None:
        self.reading = threading.Event()
        self.called = threading.Event()
        self.broken = False
        self.writes: list[list[bytes]] = []

    def __call__(self, records: Sequence[bytes]) -> None:
        self.called.set()
        self.reading.wait()
        if self.broken:
            raise OSError("no reader")
        self.writes.append(list(records))

    @property
    def read(self) -> list[bytes]:
        return [record for write in self.writes for record in write]


class Pipe:
    """A pipe in the place of stderr, which is read on demand."""

    def __init__(self) -> None:
        self.end, write = os.pipe()
        self.stream: TextIO = os.fdopen(write, "w")

    def rest(self) -> str:
        """Close the writing end, and return everything that was written."""
        self.stream.close()
        return self.read()

    def read(self) -> str:
        """Read until the writing end is closed."""
        with os.fdopen(self.end) as reading:
            return reading.read()


def logging_to(stream: TextIO, queue: LogQueue) -> Lines:
    return configure_logs("info", LogFormat.LOGFMT, stream, {}, queue=queue)


def test_records_queued_during_a_write_are_written_together_in_order() -> None:
    reader = Reader()
    with LogQueue() as queue:
        queue.put(reader, [b"first"], urgent=False)
        assert reader.called.wait(5)
        for number in range(50):
            queue.put(reader, [b"%d" % number], urgent=False)
        reader.reading.set()
    assert reader.writes == [[b"first"], [b"%d" % number for number in range(50)]]


def test_records_that_are_logged_together_are_written_together() -> None:
    reader = Reader()
    with LogQueue() as queue:
        queue.put(reader, [b"first"], urgent=False)
        assert reader.called.wait(5)
        queue.put(reader, [b"a", b"b"], urgent=False)
        queue.put(reader, [b"c"], urgent=False)
        reader.reading.set()
    assert reader.writes == [[b"first"], [b"a", b"b", b"c"]]


def test_records_that_are_dropped_together_are_all_counted() -> None:
    reader = Reader()
    with LogQueue(room=1000, reserve=0) as queue:
        queue.put(reader, [b"x" * 100] * 5, urgent=False)  # 150 bytes more each
        assert queue.dropped == 5
        queue.put(reader, [b"x" * 50] * 5, urgent=False)
        assert queue.dropped == 5
        reader.reading.set()
    assert len(reader.read) >= 5


def test_lines_of_several_threads_are_not_mixed_or_lost() -> None:
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


async def test_a_loop_never_waits_for_a_reader_and_dropped_records_are_reported() -> None:
    pipe = Pipe()
    with LogQueue(room=200_000, reserve=50_000) as queue:
        lines = logging_to(pipe.stream, queue)
        for number in range(5_000):
            log.info("image.held", number=number)
        for number in range(50):
            log.error("account.stopped", number=number)
        await asyncio.sleep(0)
        assert lines.dropped == queue.dropped > 0
        # The reader starts: the waiting records are written, and the dropped ones are reported.
        received: list[str] = []
        reading = threading.Thread(target=lambda: received.append(pipe.read()))
        reading.start()
    pipe.stream.close()
    reading.join()
    (text,) = received
    assert text.count("event=image.held") == 5_000 - queue.dropped
    assert text.count("event=account.stopped") == 50, "errors may use the reserve"
    reported = re.findall(r"level=warning event=log\.dropped records=(\d+) seconds=[\d.]+", text)
    assert sum(map(int, reported)) == queue.dropped


@given(
    records=st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60),
    room=st.integers(500, 4000),
)
def test_a_record_is_dropped_only_when_its_kind_has_no_room(
    records: list[tuple[int, bool]], room: int
) -> None:
    reader, reserve, each = Reader(), room // 4, 150
    with LogQueue(room, reserve) as queue:
        queue.put(reader, [b""], urgent=True)
        assert reader.called.wait(5)  # the writer blocks from here on
        waits, kept, lost = each, [], 0
        for number, (size, urgent) in enumerate(records):
            record = b"%02d" % number + b"x" * size
            if waits + len(record) + each <= (room if urgent else room - reserve):
                waits += len(record) + each
                kept.append(record)
            else:
                lost += 1
            queue.put(reader, [record], urgent=urgent)
        assert queue.dropped == lost
        reader.reading.set()
    assert reader.read[1:] == kept


def test_all_waiting_records_are_written_after_a_crash() -> None:
    pipe = Pipe()

    async def log_and_fail() -> None:
        for number in range(500):
            log.info("e", number=number)
        raise RuntimeError("a bug")

    def crash() -> None:
        with LogQueue() as queue:
            logging_to(pipe.stream, queue)
            asyncio.run(log_and_fail())

    with pytest.raises(RuntimeError):
        crash()
    assert f"number={499}\n" in pipe.rest()


def test_records_outside_the_context_are_written_at_once() -> None:
    reader = Reader()
    reader.reading.set()
    queue = LogQueue()
    queue.put(reader, [b"before"], urgent=False)
    with queue:
        pass
    queue.put(reader, [b"after"], urgent=False)
    assert reader.read == [b"before", b"after"]


def test_a_reader_that_never_reads_does_not_delay_the_end() -> None:
    reader = Reader()
    began = time.monotonic()
    with LogQueue(drain=0.2) as queue:
        queue.put(reader, [b"a"], urgent=False)
    queue.put(reader, [b"late"], urgent=True)
    assert 0.2 <= time.monotonic() - began < 2
    reader.reading.set()


def test_records_that_could_not_be_written_are_reported_once_writing_succeeds() -> None:
    reader, stream = Reader(), io.StringIO()
    reader.broken = True
    reader.reading.set()
    with LogQueue() as queue:
        logging_to(stream, queue)
        queue.put(reader, [b"lost"], urgent=True)
        wait_until(lambda: queue.dropped == 1)
        assert stream.getvalue() == "", "nothing can be written yet"
        reader.broken = False
        queue.put(reader, [b"through"], urgent=False)
    assert reader.read == [b"through"]
    assert "event=log.dropped records=1 " in stream.getvalue()


def test_a_writer_that_always_fails_gets_no_report_of_its_failures() -> None:
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


def test_a_destructor_that_logs_within_put_does_not_block() -> None:
    reader = Reader()
    reader.reading.set()
    with LogQueue() as queue, queue._changed:  # `put` holds the lock while garbage is collected
        queue.put(reader, [b"from within"], urgent=False)
    assert reader.read == [b"from within"]


def test_a_non_blocking_pipe_receives_every_record() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.stream.fileno(), False)
    received: list[str] = []
    with LogQueue() as queue:
        logging_to(pipe.stream, queue)
        for _ in range(3_000):
            log.info("e", text="x" * 100)
        reading = threading.Thread(target=lambda: received.append(pipe_lines(pipe.end, 3_000)))
        reading.start()
    reading.join()
    assert all(line.endswith("x" * 100) for line in received[0].splitlines())
    pipe.rest()


def pipe_lines(end: int, count: int) -> str:
    text = b""
    while text.count(b"\n") < count:
        text += os.read(end, 65536)
    return text.decode()
