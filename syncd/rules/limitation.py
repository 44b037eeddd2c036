"""The limitations of an account, as its responses have shown them, and when each is tried again.

A limitation is learned once for the account, from several images, so that neither one bad image nor
a minute of trouble counts as one. It is tried again after a time: the first success ends it, and
the first failure renews it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

import msgspec
from msgspec.structs import replace

from syncd.model import AccountId

HOUR = 3600.0  # seconds

RETRY = 6 * HOUR
"""Seconds until a limitation is tried again."""

RETRY_REFUSED = 24 * HOUR
"""Seconds until a copy is tried again that the account had no permission for."""

DIFFERENT = 3
"""Consecutive images that succeeded only in another way before a way counts as closed."""

REJECTIONS = 5
"""Consecutive rejected POSTs of several images before the account itself is suspected."""

CLEARED = 12
"""Consecutive suspects that the account took alone before one image per POST becomes its limit.

A POST of three that is rejected for one bad image leaves at most two good ones before it, and each
worker may have one such POST: with 12, no simulated library with up to 16 workers and every fifth
image bad made the account look like one that rejects every POST of several images."""


class What(Enum):
    """The kind of a limitation, as the ledger and the log name it."""

    SINGLE_IMAGES = "single_images"
    """It rejects POSTs of several images."""
    UNNAMED_IMAGES = "unnamed_images"
    """Its responses to POSTs of several images do not identify them."""
    BYTES_ONLY = "bytes_only"
    """It rejects files, and takes the same images as the form field `bytes`."""
    BODY_SIZE = "body_size"
    """Bodies above a size get status 413."""
    NO_COPY = "no_copy"
    """Images cannot be copied from another account."""

    @property
    def why(self) -> str:
        """The observation that it was learned from, for the operator."""
        return _WHY[self]


_WHY: Mapping[What, str] = {
    What.SINGLE_IMAGES: "the account rejects POSTs of several images, and takes each image alone",
    What.UNNAMED_IMAGES: "responses to POSTs of several images do not name them",
    What.BYTES_ONLY: "the account rejects images as files, and takes them as `bytes`",
    What.BODY_SIZE: "larger bodies get status 413, and smaller ones are accepted",
    What.NO_COPY: "copies fail, and the same images are accepted as uploads",
}


class Limitation(msgspec.Struct, frozen=True, kw_only=True):
    """A limitation that was learned."""

    what: What
    source: AccountId | None = None
    """The account that copies come from, for NO_COPY."""
    value: int | None = None
    """The size in bytes of the smallest rejected body, for BODY_SIZE."""
    retry_at: float
    """When it is tried again, in unix seconds."""

    @property
    def key(self) -> tuple[What, AccountId | None]:
        """The kind and the source; an account has at most one limitation for each such pair."""
        return self.what, self.source


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A POST of images, as far as limitations depend on it."""

    images: int
    size: int
    """The bytes of its images, as they are sent."""
    as_field: bool = False
    """Its image was sent as the form field `bytes`, not as a file."""
    suspect: bool = False
    """Its image was in a POST of several that was rejected."""
    rejected_as_file: bool = False
    """Its image was rejected as a file before."""


def _is_ahead(until: float, now: float, longest: float) -> bool:
    """Return whether `until` has not passed yet; times in unix seconds.

    One that is more than the `longest` wait ahead was computed while the clock was wrong.
    """
    return now < until <= now + longest


class Sharing(msgspec.Struct, frozen=True):
    """An account's recent responses to POSTs of several images, as far as they matter.

    An account that rejects a POST of several images rejects one of its images, or every POST of
    several images. Halving the POST leads to the bad image, unless the account takes each alone.
    """

    rejections: int = 0
    """Consecutive rejected POSTs of several images."""
    until: float = 0.0
    """Unix seconds until which a POST holds one image; 0 if the account has no such limit."""
    cleared: int = 0
    """Consecutive suspects that the account took alone."""

    def is_off(self, now: float) -> bool:
        """Return whether the next POST may hold one image only."""
        is_known = self.until > 0 and self.rejections >= REJECTIONS
        return is_known or _is_ahead(self.until, now, RETRY)

    def after_batch_taken(self) -> Sharing:
        """Return the state after the account took a POST of several images."""
        return Sharing()

    def after_batch_rejected(self) -> Sharing:
        """Return the state after a POST of several images was rejected, for an unknown image."""
        return replace(self, rejections=self.rejections + 1)

    def after_single_rejected(self) -> Sharing:
        """Return the state after an image was rejected alone: it explains earlier rejections."""
        known = sharing_until(self.until)
        return known if self.rejections > known.rejections else replace(self, cleared=known.cleared)

    def after_single_taken(self, now: float, *, suspect: bool) -> Sharing:
        """Return the state after the account took an image alone.

        A `suspect` was in a POST of several that was rejected: it was not the reason.
        """
        if not suspect:
            return self
        cleared = self.cleared + 1
        if self.rejections >= REJECTIONS and cleared >= CLEARED:
            return sharing_until(now + RETRY)
        return replace(self, cleared=cleared)


def sharing_until(until: float) -> Sharing:
    """Return the state of an account with that limit; 0 for an account without one.

    Once the time has passed, one more rejection and one more cleared suspect renew the limit.
    """
    if not until:
        return Sharing()
    return Sharing(REJECTIONS - 1, until, CLEARED - 1)


class Way(msgspec.Struct, frozen=True):
    """Whether one way to send images works, from those that succeeded only in another way."""

    detours: int = 0
    """Consecutive images, or POSTs, that succeeded only in another way."""
    until: float = 0.0
    """Unix seconds until which it is not used; 0: it works."""
    doubt: str | None = None
    """The error of its last try, which may be temporary: another way is tried next."""

    def is_closed(self, now: float) -> bool:
        """Return whether another way is used now."""
        return _is_ahead(self.until, now, RETRY_REFUSED)

    def after_failure(self, now: float) -> Way:
        """Return the state after a try failed: it renews what is known, and proves nothing else."""
        return closed_until(now + RETRY) if self.until and not self.is_closed(now) else self

    def after_detour(self, now: float) -> Way:
        """Return the state after an image succeeded only in another way."""
        if self.is_closed(now):
            return replace(self, doubt=None)  # it was under way when that was learned
        detours = self.detours + 1
        return closed_until(now + RETRY) if detours >= DIFFERENT else Way(detours, self.until)


def closed_until(until: float) -> Way:
    """Return the state of a way that is closed until then; one more detour then renews it."""
    return Way(DIFFERENT - 1, until)


class BodySize(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of bodies, in bytes, that an account took and that got status 413."""

    accepted: int = 0
    """The largest body that was accepted, unless larger ones are rejected by now."""
    rejected: int = 0
    """The smallest rejected body since then; 0: none."""
    smaller: int = 0
    """The largest body that was accepted after larger ones were rejected."""
    pending: bool = False
    """A body was rejected after the last one that was accepted."""
    times: int = 0
    """How often a smaller body was accepted after a larger one had been rejected."""
    until: float = 0.0
    """Unix seconds until which the size is kept; 0 without a limit."""

    def limit(self, now: float) -> int | None:
        """Return how many bytes the images of a POST may have; None for no limit."""
        is_known = self.until > 0 and self.pending
        return self.accepted if is_known or _is_ahead(self.until, now, RETRY) else None

    def after_accepted(self, size: int, now: float) -> BodySize:
        """Return the state after the account took a body."""
        if not self.rejected or size >= self.rejected:
            return BodySize(accepted=max(self.accepted, size))
        times, smaller = self.times + self.pending, max(self.smaller, size)
        is_learned = times >= DIFFERENT
        was_lowered = is_learned and self.accepted >= self.rejected
        return replace(
            self,
            accepted=smaller if was_lowered else max(self.accepted, size),
            smaller=smaller,
            pending=False,
            times=DIFFERENT - 1 if is_learned else times,
            until=now + RETRY if is_learned else self.until,
        )

    def after_rejected(self, size: int) -> BodySize:
        """Return the state after a body got status 413."""
        return replace(self, rejected=min(self.rejected or size, size), pending=True)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known or suspected about the limitations of one account."""

    sharing: Sharing = Sharing()
    naming: Way = Way()
    """POSTs of several images, whose responses may not identify them."""
    files: Way = Way()
    bodies: BodySize = BodySize()
    copies: Mapping[AccountId, Way] = msgspec.field(default_factory=dict)
    """Copies, by the account that they come from."""

    def images_per_post(self, images: int, now: float) -> int:
        """Return how many images the next POST may hold, at most `images`."""
        alone = self.sharing.is_off(now) or self.naming.is_closed(now) or self.files.until > 0
        return 1 if alone else images

    def bytes_per_post(self, size: int, now: float) -> int:
        """Return how many bytes the images of the next POST may have, at most `size`."""
        limit = self.bodies.limit(now)
        return size if limit is None else min(size, limit)

    def sends_fields(self, now: float) -> bool:
        """Return whether an image is sent as the form field `bytes` at once."""
        return self.files.is_closed(now)

    def is_too_large(self, size: int) -> bool:
        """Return whether its size may be why a body got 413: smaller ones were accepted."""
        return 0 < self.bodies.accepted < size

    def after_taken(self, post: Post, named: int, now: float) -> Limits:
        """Return the state after the account took a POST; its response names `named` images."""
        if not named:
            return replace(self, naming=self.naming.after_detour(now)) if post.images > 1 else self
        if post.images > 1:
            sharing, naming = self.sharing.after_batch_taken(), Way()
        else:
            sharing = self.sharing.after_single_taken(now, suspect=post.suspect)
            naming = self.naming
        files = self.files if post.as_field else Way()
        if post.as_field and post.rejected_as_file:
            files = files.after_detour(now)
        bodies = self.bodies.after_accepted(post.size, now)
        return replace(self, sharing=sharing, naming=naming, files=files, bodies=bodies)

    def after_rejected(self, post: Post, *, too_large: bool) -> Limits:
        """Return the state after a POST was rejected for its images, or for its size."""
        bodies = self.bodies.after_rejected(post.size) if too_large else self.bodies
        if post.images == 1:
            sharing = self.sharing.after_single_rejected()
        else:
            sharing = self.sharing if too_large else self.sharing.after_batch_rejected()
        return replace(self, sharing=sharing, bodies=bodies)

    def after_file_rejected(self, now: float) -> Limits:
        """Return the state after an image was rejected as a file: it is sent as `bytes` next."""
        return replace(self, files=self.files.after_failure(now))

    def after_copy_rejected(self, source: AccountId, now: float) -> Limits:
        """Return the state after a copy was rejected: its image is sent in another way next."""
        way = self.copies.get(source, Way()).after_failure(now)
        return replace(self, copies={**self.copies, source: way})

    def doubted_sources(self) -> dict[AccountId, str]:
        """Return the accounts that no copy is sent from now, and the error of the last copy."""
        return {source: way.doubt for source, way in self.copies.items() if way.doubt is not None}

    def after_copy_failed(self, source: AccountId, error: str) -> Limits:
        """Return the state after a copy failed temporarily: does an upload fail as well?"""
        way = replace(self.copies.get(source, Way()), doubt=error)
        return replace(self, copies={**self.copies, source: way})

    def after_upload_failed(self) -> Limits:
        """Return the state after an upload failed temporarily: not only copies fail."""
        if not self.doubted_sources():
            return self
        ways = {source: replace(way, doubt=None) for source, way in self.copies.items()}
        return replace(self, copies=ways)

    def after_copied(self, source: AccountId) -> Limits:
        """Return the state after an image was copied from an account."""
        others = {known: way for known, way in self.copies.items() if known != source}
        return replace(self, copies=others)

    def after_copy_refused(self, source: AccountId, now: float) -> Limits:
        """Return the state after a copy had no permission."""
        refused = closed_until(now + RETRY_REFUSED)
        return replace(self, copies={**self.copies, source: refused})

    def after_no_copy(self, source: AccountId, now: float) -> Limits:
        """Return the state after an image was sent that could not be copied from that account."""
        way = self.copies.get(source, Way()).after_detour(now)
        return replace(self, copies={**self.copies, source: way})

    def known(self) -> Iterator[Limitation]:
        """Yield the limitations that were learned."""
        ways = (
            (What.SINGLE_IMAGES, self.sharing.until),
            (What.UNNAMED_IMAGES, self.naming.until),
            (What.BYTES_ONLY, self.files.until),
        )
        for what, until in ways:
            if until:
                yield Limitation(what=what, retry_at=until)
        if self.bodies.until:
            yield Limitation(
                what=What.BODY_SIZE, value=self.bodies.rejected, retry_at=self.bodies.until
            )
        for source, way in self.copies.items():
            if way.until:
                yield Limitation(what=What.NO_COPY, source=source, retry_at=way.until)


def recalled(known: Iterable[Limitation], largest_body: int) -> Limits:
    """Return the state of an account whose limitations an earlier process has learned.

    `largest_body` is the largest that it accepted, in bytes.
    """
    limits = Limits(bodies=BodySize(accepted=largest_body))
    for one in known:
        limits = _with_known(limits, one, one.retry_at)
    return limits


def retried(limits: Limits, known: Iterable[Limitation]) -> Limits:
    """Return the state after the operator has set earlier times for what is `known`."""
    times = {one.key: one.retry_at for one in known}
    for one in list(limits.known()):
        if (until := times.get(one.key, one.retry_at)) < one.retry_at:
            limits = _with_known(limits, one, until)
    return limits


def _with_known(limits: Limits, one: Limitation, until: float) -> Limits:
    """Return the state with a limitation that is tried again at `until`."""
    match one.what:
        case What.SINGLE_IMAGES:
            return replace(limits, sharing=sharing_until(until))
        case What.UNNAMED_IMAGES:
            return replace(limits, naming=closed_until(until))
        case What.BYTES_ONLY:
            return replace(limits, files=closed_until(until))
        case What.BODY_SIZE:
            bodies = _sized(limits.bodies.accepted, one.value or 0, until)
            return replace(limits, bodies=bodies)
        case What.NO_COPY if one.source is not None:
            return replace(limits, copies={**limits.copies, one.source: closed_until(until)})
        case _:
            return limits


def _sized(accepted: int, rejected: int, until: float) -> BodySize:
    return BodySize(accepted=accepted, rejected=rejected, times=DIFFERENT - 1, until=until)
