"""Notifications as text: short enough for a phone, with the remedy after what happened."""

from syncd.config import Topic
from syncd.monitoring.entries import (
    AlertEntry,
    BackfillEntry,
    Entry,
    ImageEntry,
    RecoveredEntry,
    TestEntry,
)
from syncd.monitoring.text import MOST_LINES, text_of

TIME = "2026-11-28T19:13:49.000Z"


def alert(subject: str, why: str = "190: the token was rejected") -> AlertEntry:
    return AlertEntry(
        on=Topic.ALERT,
        event="account.stopped",
        timestamp=TIME,
        subject=subject,
        accounts=(),
        why=why,
        remedy="put a new token into /etc/syncd/token",
    )


def image(number: int, why: str | None = None) -> ImageEntry:
    return ImageEntry(
        on=Topic.IMAGE_HELD,
        event="image.held",
        timestamp=TIME,
        what="uploaded",
        account="main",
        id="1",
        folder="spring",
        file=f"/srv/{number}.jpg",
        name=f"{number}.jpg",
        sha256="00",
        hash="ab12" if why is None else None,
        why=why,
    )


def lines(entries: list[Entry], images: int | None = None) -> list[str]:
    return text_of(entries, "web1", images)[1].splitlines()


def test_alerts_with_the_same_reason_are_one_line_with_the_remedy_at_its_end() -> None:
    title, body = text_of([alert(f"accounts.a{number}") for number in range(200)], "web1")
    assert title == "syncd on web1: 200 alerts"
    assert body == (
        "account.stopped accounts.a0, accounts.a1, accounts.a2 and 197 more: 190: the token was"
        " rejected. put a new token into /etc/syncd/token"
    )


def test_a_text_has_at_most_20_lines_and_counts_the_others() -> None:
    found = lines([image(number) for number in range(20)], images=300)
    assert len(found) == MOST_LINES
    assert found[0] == "main holds /srv/0.jpg as ab12"
    assert found[-1] == "and 281 more"
    assert lines([image(number) for number in range(20)])[-1] == "main holds /srv/19.jpg as ab12"
    assert lines([image(number) for number in range(21)])[-1] == "and 2 more"


def test_the_title_counts_each_kind() -> None:
    recovered = RecoveredEntry(
        on=Topic.RECOVERED,
        event="account.stopped",
        timestamp=TIME,
        subject="accounts.eu",
        since=TIME,
        duration=60.0,
    )
    title, body = text_of([alert("accounts.main"), recovered, image(1, "not a picture")], "web1")
    assert title == "syncd on web1: 1 alert, 1 recovered, 1 image"
    assert body.splitlines()[1:] == [
        "recovered: account.stopped accounts.eu",
        "main rejected /srv/1.jpg: not a picture",
    ]


def test_the_end_of_a_backfill_lists_the_reasons() -> None:
    done = BackfillEntry(
        on=Topic.BACKFILL_DONE,
        event="backfill.done",
        timestamp=TIME,
        account="main",
        sync="missing",
        wanted=1200,
        held=1190,
        missing=7,
        rejected=3,
        uploaded=1190,
        copied=0,
        rejections={"not a picture": 3},
        troubles={"HTTP 500": 7},
        why=None,
    )
    assert text_of([done], "web1") == (
        "syncd on web1: backfill done",
        "main: 1,190 of 1,200 held, 7 missing, 3 rejected; 3: not a picture; 7: HTTP 500",
    )


def test_a_test_asks_for_nothing() -> None:
    title, body = text_of([TestEntry("test", TIME)], "web1")
    assert title == "syncd on web1: test"
    assert "nothing has to be done" in body
