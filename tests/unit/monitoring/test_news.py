"""What is new to a receiver, for every combination of topics, and when it is sent."""

from itertools import chain, combinations

import pytest

from syncd.config import Topic
from syncd.ledger.alerts import Alert
from syncd.ledger.receivers import KnownAlert
from syncd.monitoring.entries import AlertEntry, RecoveredEntry
from syncd.monitoring.news import Change, change, retry_delay, seconds_until_due

TOPICS = [
    frozenset(some)
    for some in chain.from_iterable(combinations(Topic, count) for count in range(1, 7))
]
EVENTS = ("account.failing", "token.expiring")


def alert(event: str, subject: str = "accounts.main", since: float = 1.0) -> Alert:
    return Alert(since=since, event=event, subject=subject, why="why", remedy="remedy")


def known(event: str, subject: str = "accounts.main") -> KnownAlert:
    return KnownAlert(event, subject, 1.0)


@pytest.mark.parametrize("on", TOPICS, ids=lambda on: ",".join(sorted(on)))
@pytest.mark.parametrize("event", EVENTS)
def test_an_alert_is_sent_if_its_topic_or_all_alerts_are_selected(
    on: frozenset[Topic], event: str
) -> None:
    entries = change([alert(event)], [], on).entries(on, 2.0)
    own = Topic.TOKEN_EXPIRING if event == "token.expiring" else Topic.ALERT
    assert [entry.event for entry in entries] == [event] * bool(on & {Topic.ALERT, own})
    assert all(isinstance(entry, AlertEntry) and entry.on is own for entry in entries)


@pytest.mark.parametrize("on", TOPICS, ids=lambda on: ",".join(sorted(on)))
@pytest.mark.parametrize("event", EVENTS)
def test_the_end_of_an_alert_that_the_receiver_follows_is_sent_as_recovered(
    on: frozenset[Topic], event: str
) -> None:
    """One that is notified of no alert follows all of them, if it is notified of their ends."""
    begun = change([alert(event)], [], on)
    ended = change([], begun.known, on)
    entries = ended.entries(on, 2.5)
    only_tokens = Topic.TOKEN_EXPIRING in on and Topic.ALERT not in on
    followed = Topic.RECOVERED in on and not (only_tokens and event != "token.expiring")
    assert [entry.event for entry in entries] == [event] * followed
    for entry in entries:
        assert isinstance(entry, RecoveredEntry)
        assert entry.duration == 1.5


def test_what_the_receiver_knows_is_not_sent_again() -> None:
    on = frozenset({Topic.ALERT, Topic.RECOVERED})
    assert change([alert("account.failing", since=9.0)], [known("account.failing")], on) == Change()


def test_another_subject_is_another_alert() -> None:
    on = frozenset({Topic.ALERT})
    found = change([alert("a", "accounts.eu")], [known("a")], on)
    assert [one.subject for one in found.begun] == ["accounts.eu"]
    assert found.ended == (known("a"),)


@pytest.mark.parametrize(
    ("sent_at", "now", "expected"),
    [
        (None, 50.0, 0.0),
        (40.0, 50.0, 20.0),
        (20.0, 50.0, 0.0),
        (10.0, 50.0, 0.0),
        (60.0, 50.0, 0.0),
    ],
    ids=["never sent", "sent just now", "due", "overdue", "the clock was set back"],
)
def test_a_receiver_gets_nothing_until_the_time_has_passed(
    sent_at: float | None, now: float, expected: float
) -> None:
    assert seconds_until_due(sent_at, 30.0, now) == expected


def test_retries_are_less_and_less_frequent_up_to_10_minutes() -> None:
    delays = [retry_delay(tries) for tries in range(1, 100)]
    assert delays[:3] == [5.0, 10.0, 20.0]
    assert delays == sorted(delays)
    assert max(delays) == 600.0
