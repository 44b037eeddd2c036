"""A cache of images is bounded, and empty once each account has fetched them."""

import threading
import time

from syncd.folders.intake.cache import MAX_WAIT, OVERHEAD, STALE_AFTER, ContentCache
from syncd.ledger.sources import Loaded, Source
from syncd.model import AccountId, Digest, Stat

ONE, TWO = AccountId("1"), AccountId("2")
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


def image(letter: bytes, size: int) -> Loaded:
    source = Source(folder_id=1, root=b"/r", directory=b"", name=letter + b".jpg", stat=STAT)
    return Loaded(Digest(letter * 32), letter * size, source, "JPEG")


def cache_of(capacity: int, stale_after: float = STALE_AFTER) -> ContentCache:
    """Return a cache whose capacity is that of the contents alone."""
    return ContentCache(capacity, stale_after, overhead=0)


def fetched(cache: ContentCache, account: AccountId, *images: Loaded) -> list[Loaded | None]:
    return cache.fetch(account, [one.digest for one in images])


def test_each_account_can_fetch_an_image_once() -> None:
    cache, kept = cache_of(100), image(b"a", 60)
    cache.keep(kept, [ONE, TWO])
    assert fetched(cache, ONE, kept) == [kept]
    assert fetched(cache, ONE, kept) == [None], "the other account has not fetched it"
    assert fetched(cache, TWO, kept) == [kept]
    assert cache.size == 0


def test_an_account_gets_no_image_of_a_folder_that_does_not_feed_it() -> None:
    cache, kept, other = cache_of(100), image(b"a", 60), image(b"b", 10)
    cache.keep(kept, [ONE])
    cache.keep(other, [TWO])
    assert fetched(cache, TWO, kept, other) == [None, other]


def test_an_image_that_does_not_fit_is_not_kept() -> None:
    cache, (a, b, c) = cache_of(100), (image(b"a", 60), image(b"b", 41), image(b"c", 40))
    for one in (a, b, c):
        cache.keep(one, [ONE])
    assert cache.size == 100
    assert fetched(cache, ONE, b, c) == [None, c]


def test_an_image_counts_once_and_one_for_no_account_is_not_kept() -> None:
    cache = cache_of(100)
    cache.keep(image(b"a", 60), [ONE])
    cache.keep(image(b"a", 60), [ONE])
    cache.keep(image(b"b", 10), [])
    assert cache.size == 60


def test_an_image_that_was_not_fetched_for_long_makes_room() -> None:
    cache, old, new = cache_of(100, stale_after=0.0), image(b"a", 60), image(b"b", 60)
    cache.keep(old, [ONE])
    cache.keep(new, [ONE])
    assert fetched(cache, ONE, old, new) == [None, new]


def test_an_image_above_the_capacity_is_not_kept_and_evicts_nothing() -> None:
    cache = cache_of(100)
    cache.keep(image(b"a", 60), [ONE])
    cache.keep(image(b"b", 101), [ONE])
    assert cache.size == 60


def test_reading_waits_for_room_while_images_are_fetched() -> None:
    cache, first, second = cache_of(100), image(b"a", 50), image(b"b", 50)
    cache.keep(first, [ONE])
    cache.keep(second, [ONE])
    assert fetched(cache, ONE, first) == [first]
    waiting = threading.Thread(target=cache.wait_for_room, args=([1000],))
    waiting.start()
    assert fetched(cache, ONE, second) == [second]
    waiting.join(5)
    assert not waiting.is_alive()


def test_reading_does_not_wait_when_images_are_not_fetched() -> None:
    cache = cache_of(100)
    cache.keep(image(b"a", 100), [ONE])
    began = time.monotonic()
    cache.wait_for_room([50])
    assert time.monotonic() - began < MAX_WAIT
    assert cache.size == 100


def test_many_tiny_images_fill_the_cache() -> None:
    cache, images = ContentCache(10 * OVERHEAD), [image(b"%c" % n, 1) for n in range(20)]
    for one in images:
        cache.keep(one, [ONE])
    kept = [one for one in fetched(cache, ONE, *images) if one is not None]
    assert kept == images[:9]
    assert cache.size == 0


def test_each_reader_waits_until_all_that_it_reads_has_room() -> None:
    cache = cache_of(100)
    images = [image(b"%c" % n, 10) for n in range(10)]
    for one in images:
        cache.keep(one, [ONE])
    fetched(cache, ONE, images[0])
    room: dict[int, int] = {}

    def read(*lengths: int) -> None:
        cache.wait_for_room(lengths)
        room[sum(lengths)] = 100 - cache.size

    readers = [threading.Thread(target=read, args=lengths) for lengths in [(20, 40), (30,)]]
    for reader in readers:
        reader.start()
    for one in images[1:]:
        fetched(cache, ONE, one)
    for reader in readers:
        reader.join(5)
    assert all(free >= needed for needed, free in room.items())
    assert room.keys() == {60, 30}
