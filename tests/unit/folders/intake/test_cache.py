"""Contents kept from digest to sending: bounded, and gone once they were used."""

import threading
import time

import pytest

from syncd.folders.intake import cache as module
from syncd.folders.intake.cache import ContentCache
from syncd.model import Digest

A, B, C = Digest(b"a" * 32), Digest(b"b" * 32), Digest(b"c" * 32)


def test_a_content_is_there_once_for_each_account() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 60, 2)
    assert kept.fetch(A) == kept.fetch(A) == b"x" * 60
    assert kept.fetch(A) is None
    assert kept.size == 0


def test_what_is_beyond_the_room_is_not_kept() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 60, 1)
    kept.keep(B, b"y" * 41, 1)
    kept.keep(C, b"z" * 40, 1)
    assert kept.size == 100
    assert kept.fetch(B) is None
    assert kept.fetch(C) == b"z" * 40


def test_the_same_content_counts_once_and_nobodys_content_never() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 60, 1)
    kept.keep(A, b"x" * 60, 1)
    kept.keep(B, b"y" * 10, 0)
    assert kept.size == 60


def test_what_nobody_fetched_for_long_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE", 0.0)
    kept = ContentCache(100)
    kept.keep(A, b"x" * 60, 1)
    kept.keep(B, b"y" * 60, 1)
    assert kept.fetch(A) is None
    assert kept.fetch(B) == b"y" * 60


def test_a_content_larger_than_the_room_is_not_kept_and_puts_nothing_out() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 60, 1)
    kept.keep(B, b"y" * 101, 1)
    assert kept.size == 60


def test_reading_waits_for_room_while_contents_are_fetched() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 50, 1)
    kept.keep(B, b"y" * 50, 1)
    assert kept.fetch(A) is not None
    waited = threading.Thread(target=kept.wait_for_room, args=(1000,))
    waited.start()
    assert kept.fetch(B) is not None
    waited.join(5)
    assert not waited.is_alive()


def test_reading_goes_on_when_nobody_fetches() -> None:
    kept = ContentCache(100)
    kept.keep(A, b"x" * 100, 1)
    began = time.monotonic()
    kept.wait_for_room(50)
    assert time.monotonic() - began < module.PATIENCE
    assert kept.size == 100
