"""The catalogue lists exactly the events that the code logs, with their fields and levels."""

import re
from pathlib import Path

import pytest
from support.events import SOURCE, logged_events

from syncd.logs.catalogue import CATALOGUE

LOGGED = logged_events()
KNOWN = {event.name: event for event in CATALOGUE}

SINGLE_EVENTS = {
    "account.changed",
    "config.warning",
    "daemon.cut_off",
    "daemon.failed",
    "file.rejected",
    "image.given_up",
    "image.inactive",
    "image.lost",
    "image.rejected",
    "library.message",
    "log.dropped",
    "notify.incomplete",
    "shard.changed",
    "web.rejected",
}
"""Warnings and errors that do not begin a state: they concern one moment, one image that
`syncd status` counts, or the end of the process."""


def test_the_catalogue_has_every_logged_event_and_no_other() -> None:
    assert set(LOGGED) == set(KNOWN)


@pytest.mark.parametrize("name", sorted(set(LOGGED) & set(KNOWN)))
def test_an_event_is_logged_with_its_fields_and_levels(name: str) -> None:
    logged, known = LOGGED[name], KNOWN[name]
    assert logged.fields == set(known.fields)
    if "varies" in logged.levels:
        assert logged.levels - {"varies"} < set(known.levels)
    else:
        assert logged.levels == set(known.levels)


def test_the_catalogue_is_sorted_and_has_each_event_once() -> None:
    names = [event.name for event in CATALOGUE]
    assert names == sorted(set(names))
    for event in CATALOGUE:
        assert list(event.fields) == sorted(set(event.fields)), event.name
        assert event.when, event.name
        assert "|" not in event.when + event.remedy, event.name  # it would end a cell of the table


def test_the_catalogue_has_a_remedy_for_every_error() -> None:
    # The cause of a library's error is unknown.
    errors = {event for event in CATALOGUE if "error" in event.levels} - {KNOWN["library.message"]}
    assert errors
    assert all(event.remedy for event in errors)


def test_a_warning_or_error_that_begins_a_state_names_the_event_that_ends_it() -> None:
    troubles = {e.name for e in CATALOGUE if {"warning", "error"} & set(e.levels)}
    assert troubles == SINGLE_EVENTS | {e.name for e in CATALOGUE if e.ended_by}
    assert not SINGLE_EVENTS & {e.name for e in CATALOGUE if e.ended_by}
    ends = {end for event in CATALOGUE for end in event.ended_by}
    for end in ends:
        assert KNOWN[end].levels == ("notice",), end
    assert ends == {event.name for event in CATALOGUE if "duration" in event.fields}


def test_an_error_has_the_field_remedy() -> None:
    for event in CATALOGUE:
        if "error" in event.levels and event.name != "library.message":
            assert "remedy" in event.fields, event.name


def test_an_event_with_the_field_remedy_refers_to_it() -> None:
    for event in CATALOGUE:
        if "remedy" in event.fields:
            assert "the field `remedy`" in event.remedy, event.name


def test_every_logger_is_named_log() -> None:
    for file in SOURCE.rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "get_logger(" in line and not line.lstrip().startswith('"""'):
                assert re.search(r"\blog\b.* = structlog\.get_logger\(\)$", line) or (
                    "structlog.get_logger().log(" in line
                ), f"{file}: {line}"


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("log.info(name)", "as a literal"),
        ('log.info(f"a.{b}")', "as a literal"),
        ('log.info("a.b", **fields)', "name each field"),
        ('log.exception("a.b")', "name the level"),
    ],
)
def test_a_call_without_a_literal_event_level_and_fields_is_rejected(
    tmp_path: Path, call: str, wrong: str
) -> None:
    (tmp_path / "a.py").write_text(call)
    with pytest.raises(AssertionError, match=wrong):
        logged_events(tmp_path)
