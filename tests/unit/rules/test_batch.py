"""The images that share one POST, and how halving finds the bad ones."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Digest
from syncd.rules.batch import Candidate, choose_batch

MOST = 25


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


candidates = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from([1, 3, 6, 12, 25]),
        st.sampled_from([None, b"a.jpg", b"b.jpg", b"c.jpg"]),
    ),
    max_size=40,
).map(lambda rows: [Candidate(digest(i), *row) for i, row in enumerate(rows)])


@given(candidates, st.integers(1, 30), st.integers(0, 200))
def test_a_batch_is_within_its_limits_and_no_image_is_lost(
    queue: list[Candidate], images: int, size: int
) -> None:
    batch, rest = choose_batch(queue, images, size)
    assert sorted(batch + rest, key=queue.index) == queue
    assert [c for c in queue if c in batch] == batch
    assert [c for c in queue if c in rest] == rest
    if not queue:
        return
    assert batch[0] == queue[0]
    assert len(batch) <= images
    assert len(batch) == 1 or sum(c.size for c in batch) <= size
    assert all(len(batch) <= c.limit for c in batch)
    assert len({c.limit for c in batch}) == 1


@given(candidates, st.integers(1, 30), st.integers(0, 200))
def test_an_image_that_is_left_did_not_fit(queue: list[Candidate], images: int, size: int) -> None:
    batch, rest = choose_batch(queue, images, size)
    room = size - sum(c.size for c in batch)
    for left in rest:
        most = min(images, batch[0].limit)
        is_twin = left.name is not None and left.name in {c.name for c in batch}
        full = len(batch) >= (most // 2 if is_twin else most)
        assert full or left.limit != batch[0].limit or left.size > room


def named(*names: bytes) -> list[Candidate]:
    return [Candidate(digest(n), 1, MOST, name) for n, name in enumerate(names)]


def test_files_of_one_name_go_in_different_posts() -> None:
    others = [b"%d.jpg" % n for n in range(20)]
    batch, rest = choose_batch(named(b"a.jpg", *others, b"a.jpg"), MOST, 1000)
    assert [c.name for c in batch] == [b"a.jpg", *others]
    assert [c.name for c in rest] == [b"a.jpg"]


def test_files_of_one_name_fill_half_a_post_if_no_other_name_waits() -> None:
    batch, rest = choose_batch(named(*[b"a.jpg"] * 30, b"b.jpg"), MOST, 1000)
    assert len(batch) == MOST // 2
    assert b"b.jpg" in {c.name for c in batch}
    assert len(rest) == 31 - MOST // 2


@given(candidates)
def test_a_name_is_used_twice_only_in_a_post_that_is_at_most_half_full(
    queue: list[Candidate],
) -> None:
    batch, _ = choose_batch(queue, MOST, 10**6)
    names = [c.name for c in batch if c.name is not None]
    assert len(set(names)) == len(names) or len(batch) <= min(MOST, batch[0].limit) // 2


def send_all(images: int, bad: Collection[int], most: int) -> tuple[set[int], set[int], int]:
    """Send images as the workers do, to a server that rejects a POST with any bad image in it.

    Return the images that were taken, those that were rejected alone, and the number of POSTs.
    """
    queue = [digest(n) for n in range(images)]
    limits: dict[Digest, int] = {}
    taken: set[int] = set()
    rejected: set[int] = set()
    posts = 0
    while queue:
        waiting = [Candidate(d, 1, limits.get(d, most)) for d in queue[:most]]
        batch, rest = choose_batch(waiting, most, 10**9)
        queue = [c.digest for c in rest] + queue[most:]
        numbers = {int.from_bytes(c.digest, "big") for c in batch}
        posts += 1
        if numbers.isdisjoint(bad):
            taken |= numbers
        elif len(batch) == 1:
            rejected |= numbers
        else:
            limits |= {c.digest: len(batch) // 2 for c in batch}
            queue = [c.digest for c in batch] + queue
    return taken, rejected, posts


@given(st.integers(1, 80), st.sets(st.integers(0, 79)), st.integers(1, 50))
def test_halving_isolates_any_set_of_bad_images(images: int, bad: set[int], most: int) -> None:
    bad = {n for n in bad if n < images}
    taken, rejected, posts = send_all(images, bad, most)
    assert rejected == bad
    assert taken == set(range(images)) - bad
    # An image is in one POST per level of halving, in the worst case alone.
    assert posts <= images * most.bit_length()
    # A bad image costs at most two more POSTs per level, and those of uneven halves.
    assert posts <= -(-images // most) + len(bad) * 4 * most.bit_length()


def test_one_bad_image_among_twenty_five_costs_at_most_twelve_posts() -> None:
    assert max(send_all(25, {n}, MOST)[2] for n in range(25)) <= 12
    assert send_all(25, (), MOST)[2] == 1
