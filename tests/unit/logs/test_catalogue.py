"""The catalogue of events holds what the code logs: no more, no less, nothing else."""

import re
from pathlib import Path

import pytest
from support.events import SOURCE, logged_events

from syncd.logs.catalogue import CATALOGUE

LOGGED = logged_events()
KNOWN = {event.name: event for event in CATALOGUE}

HAPPENINGS = {
    "clock.jumped",
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
    "log.repeated",
}
"""Warnings and errors that begin no state: what happened once, is counted in `syncd status` image
by image, or ends with the process."""


def test_every_logged_event_is_in_the_catalogue_and_no_other() -> None:
    assert set(LOGGED) == set(KNOWN)


@pytest.mark.parametrize("name", sorted(set(LOGGED) & set(KNOWN)))
def test_an_event_is_logged_with_its_fields_and_levels(name: str) -> None:
    logged, known = LOGGED[name], KNOWN[name]
    assert logged.fields == set(known.fields)
    if "varies" in logged.levels:
        assert logged.levels - {"varies"} < set(known.levels)
    else:
        assert logged.levels == set(known.levels)


def test_the_catalogue_is_sorted_and_says_each_event_once() -> None:
    names = [event.name for event in CATALOGUE]
    assert names == sorted(set(names))
    for event in CATALOGUE:
        assert list(event.fields) == sorted(set(event.fields)), event.name
        assert event.when, event.name
        assert "|" not in event.when + event.remedy, event.name  # a table holds it


def test_an_error_says_what_to_do() -> None:
    # Of what a library says nobody knows beforehand what it is.
    errors = {event for event in CATALOGUE if "error" in event.levels} - {KNOWN["library.message"]}
    assert errors
    assert all(event.remedy for event in errors)


def test_trouble_that_begins_names_what_tells_of_its_end() -> None:
    troubles = {e.name for e in CATALOGUE if {"warning", "error"} & set(e.levels)}
    assert troubles == HAPPENINGS | {e.name for e in CATALOGUE if e.ended_by}
    assert not HAPPENINGS & {e.name for e in CATALOGUE if e.ended_by}
    ends = {end for event in CATALOGUE for end in event.ended_by}
    for end in ends:
        assert KNOWN[end].levels == ("notice",), end
    assert ends == {event.name for event in CATALOGUE if "duration" in event.fields}


def test_an_error_carries_what_to_do() -> None:
    for event in CATALOGUE:
        if "error" in event.levels and event.name not in {"library.message", "log.repeated"}:
            assert "remedy" in event.fields, event.name


def test_a_remedy_in_the_record_is_spoken_of() -> None:
    for event in CATALOGUE:
        if "remedy" in event.fields:
            assert "the field `remedy`" in event.remedy, event.name


def test_every_logger_has_the_name_by_which_its_calls_are_found() -> None:
    for file in SOURCE.rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "get_logger(" in line and not line.lstrip().startswith('"""'):
                assert re.search(r"\blog\b.* = structlog\.get_logger\(\)$", line) or (
                    "structlog.get_logger().log(" in line
                ), f"{file}: {line}"


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("log.info(name)", "one word"),
        ('log.info(f"a.{b}")', "one word"),
        ('log.info("a.b", **fields)', "by its name"),
        ('log.exception("a.b")', "say the level"),
    ],
)
def test_a_call_that_cannot_be_read_fails(tmp_path: Path, call: str, wrong: str) -> None:
    (tmp_path / "a.py").write_text(call)
    with pytest.raises(AssertionError, match=wrong):
        logged_events(tmp_path)
