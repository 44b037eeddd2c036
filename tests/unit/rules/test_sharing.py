"""Recognition of accounts that reject every shared POST; bad images do not look like one."""

import random
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Digest
from syncd.rules.batch import Candidate, choose_batch
from syncd.rules.limitation import CLEARED, REJECTIONS, RETRY, Sharing, sharing_until

MOST = 25
NOW = 1e9


@dataclass
class Account:
    """A server that rejects a POST with a bad image, or every POST of several images."""

    bad: Collection[int] = ()
    shares: bool = True


@dataclass
class Outcome:
    sharing: Sharing
    posts: int = 0
    rejected_shared: int = 0
    taken: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    suspected: bool = False


def send(
    images: int, account: Account, workers: int, seed: int, sharing: Sharing | None = None
) -> Outcome:
    """Send images as `workers` workers do; the responses arrive in any order."""
    chance = random.Random(seed)
    queue = [Digest(n.to_bytes(32, "big")) for n in range(images)]
    limits: dict[Digest, int] = {}
    under_way: list[list[Digest]] = []
    out = Outcome(sharing or Sharing())
    while queue or under_way:
        while queue and len(under_way) < workers:
            most = 1 if out.sharing.is_off(NOW) else MOST
            waiting = [Candidate(d, 1, limits.get(d, MOST)) for d in queue[:most]]
            batch, rest = choose_batch(waiting, MOST, 10**9)
            queue = [c.digest for c in rest] + queue[most:]
            under_way.append([c.digest for c in batch])
        post = under_way.pop(chance.randrange(len(under_way)))
        numbers = {int.from_bytes(d, "big") for d in post}
        rejected = not numbers.isdisjoint(account.bad) or (len(post) > 1 and not account.shares)
        out.posts += 1
        if rejected and len(post) > 1:
            limits |= dict.fromkeys(post, len(post) // 2)
            queue = post + queue
            out.rejected_shared += 1
            out.sharing = out.sharing.after_batch_rejected()
        elif rejected:
            out.rejected |= numbers
            out.sharing = out.sharing.after_single_rejected()
        elif len(post) > 1:
            out.taken |= numbers
            out.sharing = out.sharing.after_batch_taken()
        else:
            out.taken |= numbers
            out.sharing = out.sharing.after_single_taken(NOW, suspect=post[0] in limits)
        out.suspected |= out.sharing.until > 0
    return out


def is_done(out: Outcome, images: int, account: Account) -> bool:
    return out.rejected == set(account.bad) and out.taken == set(range(images)) - out.rejected


workers = pytest.mark.parametrize("workers", [1, 4, 16])


@workers
def test_an_account_that_rejects_every_shared_post_is_recognised(workers: int) -> None:
    account = Account(shares=False)
    out = send(500, account, workers, 0)
    assert is_done(out, 500, account)
    assert out.sharing.until == NOW + RETRY
    assert out.sharing.is_off(NOW + 1)
    assert out.rejected_shared <= 10 * (workers + 1)


@workers
@pytest.mark.parametrize("per_batch", [1, 2, 5])
@pytest.mark.parametrize("seed", range(10))
def test_bad_images_do_not_make_the_account_suspect(
    workers: int, per_batch: int, seed: int
) -> None:
    bad = random.Random(seed).sample(range(500), 20 * per_batch)
    out = send(500, Account(bad), workers, seed)
    assert is_done(out, 500, Account(bad))
    assert not out.suspected


@workers
@pytest.mark.parametrize("place", [0, 12, 24])
def test_one_bad_image_in_every_batch_does_not_make_the_account_suspect(
    workers: int, place: int
) -> None:
    account = Account(range(place, 500, 25))
    out = send(500, account, workers, place)
    assert is_done(out, 500, account)
    assert not out.suspected


def test_a_restart_keeps_the_limit_and_tries_a_shared_post_after_its_end() -> None:
    known = sharing_until(NOW + 10)
    assert known.is_off(NOW)
    assert not known.is_off(NOW + 10)
    over = send(200, Account(shares=False), 1, 0, sharing_until(NOW - 1))
    assert over.rejected_shared == 1
    assert over.sharing.until == NOW + RETRY


def test_one_accepted_shared_post_ends_the_limit() -> None:
    out = send(200, Account(), 1, 0, sharing_until(NOW - 1))
    assert out.posts == 8
    assert out.sharing == Sharing() == sharing_until(0)


def test_a_bad_image_explains_the_rejection_of_the_post_that_tries_again() -> None:
    state = sharing_until(NOW - 1).after_batch_rejected()
    assert state.is_off(NOW)
    assert state.after_single_rejected() == sharing_until(NOW - 1)


def test_an_image_that_was_not_suspect_proves_nothing() -> None:
    suspicious = Sharing(rejections=REJECTIONS, cleared=CLEARED - 1)
    assert suspicious.after_single_taken(NOW, suspect=False) == suspicious
    assert suspicious.after_single_taken(NOW, suspect=True).until > 0


@given(
    st.integers(1, 120),
    st.sets(st.integers(0, 119)),
    st.integers(1, 8),
    st.booleans(),
    st.integers(),
)
def test_every_image_is_taken_or_rejected_alone_whatever_is_assumed(
    images: int, bad: set[int], workers: int, shares: bool, seed: int
) -> None:
    account = Account({n for n in bad if n < images}, shares)
    assert is_done(send(images, account, workers, seed), images, account)
