"""Equal records: one is written, the others are counted, and how many is said."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from support.waiting import wait_until

from syncd.config import LogFormat
from syncd.log import LEVELS, Log
from syncd.logs.repeats import Repeats
from syncd.logs.setup import configure_logs

log: Log = structlog.get_logger()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class Logged:
    """A log whose clock stands until it is set."""

    def __init__(self, most: int = 500, period: float = 60.0) -> None:
        self.now = 0.0
        self.repeats = Repeats(period, most, clock=lambda: self.now)
        self._stream = io.StringIO()
        configure_logs("debug", LogFormat.JSON, self._stream, {}, repeats=self.repeats)

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    @property
    def events(self) -> list[object]:
        return [record["event"] for record in self.records]

    def repeated(self) -> list[tuple[object, object, object]]:
        return [
            (record["level"], record["repeated"], record["times"])
            for record in self.records
            if record["event"] == "log.repeated"
        ]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_an_equal_record_is_counted_and_said_after_a_minute_at_its_level(level: str) -> None:
    logged = Logged()
    with logged.repeats:
        for _ in range(4):
            getattr(log, level)("audit.interrupted", account="main", why="HTTP 500")
            logged.now += 10
        assert logged.events == ["audit.interrupted"]
        logged.now = 60
        log.info("scan.done", folder="spring")
        assert logged.events == ["audit.interrupted", "log.repeated", "scan.done"]
    said = logged.records[1]
    del said["timestamp"]
    assert said == {
        "level": level,
        "event": "log.repeated",
        "repeated": "audit.interrupted",
        "times": 3,
        "seconds": 60.0,
        "what": 'audit.interrupted account=main why="HTTP 500"',
    }


@pytest.mark.parametrize("other", [{"account": "eu"}, {"why": "HTTP 502"}, {"more": 1}])
def test_a_record_that_differs_in_one_field_is_another(other: dict[str, object]) -> None:
    logged = Logged()
    fields: dict[str, object] = {"account": "main", "why": "HTTP 500"}
    log.info("audit.interrupted", **fields)
    log.info("audit.interrupted", **(fields | other))
    log.warning("audit.interrupted", **fields)
    assert len(logged.events) == 3


def test_after_a_minute_it_is_written_again() -> None:
    logged = Logged()
    for _ in range(180):  # one a second
        log.warning("watch.degraded", folder="spring", why="it ends")
        logged.now += 1
    assert logged.events.count("watch.degraded") == 3
    assert logged.repeated() == [("warning", "watch.degraded", 59)] * 2


@pytest.mark.parametrize("notice", ["account.recovered", "daemon.reloading"])
def test_after_a_notice_equal_words_are_news(notice: str) -> None:
    logged = Logged()
    for _ in range(2):
        log.warning("account.failing", account="main", why="HTTP 500")
        log.warning("account.failing", account="main", why="HTTP 500")
        log.log(LEVELS["notice"], notice)
    assert logged.events == ["account.failing", "log.repeated", notice] * 2


@pytest.mark.parametrize("event", ["stats", "stats.process", "config.refused", "daemon.started"])
def test_what_comes_on_a_period_or_answers_a_person_is_never_counted(event: str) -> None:
    logged = Logged()
    for _ in range(3):
        log.log(20, event, account="main", held=1)
    assert logged.events == [event] * 3


def test_what_is_left_is_said_at_the_end() -> None:
    logged = Logged()
    with logged.repeats:
        log.info("e")
        log.info("e")
    assert logged.repeated() == [("info", "e", 1)]


def test_what_was_counted_is_said_though_nothing_else_is() -> None:
    logged = Logged(period=0.25)
    with logged.repeats:
        for name, logged.now in (("e", 0.0), ("e", 0.0), ("f", 0.125), ("f", 0.125)):
            log.log(20, name)
        logged.now = 0.25
        wait_until(lambda: logged.repeated() == [("info", "e", 1)])
        logged.now = 0.375
        wait_until(lambda: logged.repeated()[1:] == [("info", "f", 1)])


def test_only_so_many_are_remembered() -> None:
    logged = Logged(most=10)
    log.info("e", number=-1)
    log.info("e", number=-1)
    for number in range(1_000):
        log.info("e", number=number)
    assert len(logged.repeats._said) <= 11
    assert logged.repeated() == [("info", "e", 1)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "notice", "stats"]), st.integers(0, 50)), max_size=60
    )
)
def test_nothing_is_lost_what_is_not_written_is_counted(said: list[tuple[str, int]]) -> None:
    logged = Logged(most=1)
    with logged.repeats:
        for event, seconds in said:
            if event == "notice":
                log.notice("notice")
            else:
                log.log(30, event)
            logged.now += seconds
    for name in ("a", "b", "notice", "stats"):
        counted = sum(int(str(times)) for _, event, times in logged.repeated() if event == name)
        assert logged.events.count(name) + counted == [event for event, _ in said].count(name)
