"""A cache of contents is bounded, and empty once they were used."""

import threading
import time

from syncd.folders.intake.cache import MAX_WAIT, ContentCache
from syncd.model import Digest

A, B, C = Digest(b"a" * 32), Digest(b"b" * 32), Digest(b"c" * 32)


def test_a_content_can_be_fetched_once_for_each_use() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 60, 2)
    assert cache.fetch(A) == cache.fetch(A) == b"x" * 60
    assert cache.fetch(A) is None
    assert cache.size == 0


def test_a_content_that_does_not_fit_is_not_kept() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 60, 1)
    cache.keep(B, b"y" * 41, 1)
    cache.keep(C, b"z" * 40, 1)
    assert cache.size == 100
    assert cache.fetch(B) is None
    assert cache.fetch(C) == b"z" * 40


def test_a_content_counts_once_and_one_without_uses_is_not_kept() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 60, 1)
    cache.keep(A, b"x" * 60, 1)
    cache.keep(B, b"y" * 10, 0)
    assert cache.size == 60


def test_a_content_that_was_not_fetched_for_long_makes_room() -> None:
    cache = ContentCache(100, stale_after=0.0)
    cache.keep(A, b"x" * 60, 1)
    cache.keep(B, b"y" * 60, 1)
    assert cache.fetch(A) is None
    assert cache.fetch(B) == b"y" * 60


def test_a_content_above_the_capacity_is_not_kept_and_evicts_nothing() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 60, 1)
    cache.keep(B, b"y" * 101, 1)
    assert cache.size == 60


def test_reading_waits_for_room_while_contents_are_fetched() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 50, 1)
    cache.keep(B, b"y" * 50, 1)
    assert cache.fetch(A) is not None
    waiting = threading.Thread(target=cache.wait_for_room, args=(1000,))
    waiting.start()
    assert cache.fetch(B) is not None
    waiting.join(5)
    assert not waiting.is_alive()


def test_reading_does_not_wait_when_contents_are_not_fetched() -> None:
    cache = ContentCache(100)
    cache.keep(A, b"x" * 100, 1)
    began = time.monotonic()
    cache.wait_for_room(50)
    assert time.monotonic() - began < MAX_WAIT
    assert cache.size == 100
