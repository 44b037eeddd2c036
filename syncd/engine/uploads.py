"""Uploads to one account: the parts of a POST, its response, and what becomes of its images."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import TypeVar

import structlog

from syncd.engine.counters import CallKind
from syncd.engine.lane import Lane
from syncd.graph.body import Part
from syncd.graph.client import Credentials, GraphClient, GraphError, Uploaded
from syncd.ledger import replicas
from syncd.ledger.database import Ledger
from syncd.ledger.sources import Loaded
from syncd.log import Log
from syncd.model import Digest, Entry
from syncd.rules.batch import normalized, part_names
from syncd.rules.errors import ApiError, Scope, Verdict
from syncd.rules.limitation import Post
from syncd.rules.pacing.budget import Call
from syncd.rules.rejection import Fate, fate, time_to_confirm
from syncd.rules.unanswered import Named, SentAs

T = TypeVar("T")

log: Log = structlog.get_logger()

# Media type and extension by Pillow's name of the format. The API's documentation names bmp, jpeg,
# gif and png; other clients upload tiff.
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "GIF": ("image/gif", ".gif"),
    "BMP": ("image/bmp", ".bmp"),
    "TIFF": ("image/tiff", ".tiff"),
}
_UNKNOWN = ("application/octet-stream", ".jpg")

CLOCKS_DIFFER = 1.0
"""Seconds by which a timer may end before the wall clock has advanced as far."""

SPLIT_AFTER = 3
"""Failed tries after which a batch is halved: one of its images may be the reason."""


class Uploads:
    """POSTs of images to one account, and what becomes of the images."""

    def __init__(self, lane: Lane, ledger: Ledger, client: GraphClient) -> None:
        self._lane = lane
        self._ledger = ledger
        self._client = client

    async def record_sending(self, images: Sequence[Loaded]) -> list[Loaded]:
        """Record, before the call, that images are sent; return those that a file still needs.

        After a crash they still count as sent.
        """
        sent_as: dict[Digest, SentAs] = {
            image.digest: Named(part.name)
            for image, part in zip(images, named_parts(images), strict=True)
        }
        sent = self._client.clock.now()
        sending = await self._ledger.write(
            replicas.record_sending(self._lane.account, sent_as, sent)
        )
        for digest in sent_as.keys() - set(sending):
            self._lane.done(digest)
        return [image for image in images if image.digest in sending]

    async def send(self, images: Sequence[Loaded], credentials: Credentials, call: Call) -> None:
        """Send images in one POST, and record the result."""
        lane = self._lane
        lane.counters.calls += 1
        began = time.monotonic()
        parts, post = named_parts(images), self._described(images)
        try:
            response = await self._post(parts, post, credentials)
        except GraphError as error:
            lane.counters.uploads.add(time.monotonic() - began)
            api_error = error.api_error
            await lane.finish_call(CallKind.UPLOAD, call, error.usage, error=api_error)
            await self._on_error(images, post, error, credentials)
            return
        seconds = time.monotonic() - began
        lane.counters.uploads.add(seconds)
        log.debug(
            "upload.done",
            account=lane.name,
            images=len(images),
            bytes=sum(len(image.content) for image in images),
            seconds=round(seconds, 3),
            usage_percent=response.usage.percent,
        )
        matched, unmatched = match_entries(images, parts, response.entries)
        held = [(image.digest, entry) for image, entry in matched]
        hold = replicas.record_held(lane.account, held, time.time(), self._client.clock.at(began))
        await lane.finish_call(CallKind.UPLOAD, call, response.usage, hold)
        if response.entries:
            await lane.health.on_success()
            taken = lane.limitations.limits.after_taken(post, len(matched), time.time())
            await lane.limitations.learn(taken, lane.attempts[images[0].digest].rejected_as_file)
        else:  # each image alone shows whether the account takes images
            lane.gate.cancel()
        await self._on_held(matched)
        await self._on_unmatched(unmatched, len(images))

    def _described(self, images: Sequence[Loaded]) -> Post:
        """Return how images are sent: as files, or one image as the form field `bytes`."""
        lane, size = self._lane, sum(len(image.content) for image in images)
        attempt, alone = lane.attempts[images[0].digest], len(images) == 1
        rejected = alone and attempt.rejected_as_file is not None
        as_field = rejected or (alone and lane.limitations.limits.sends_fields(time.time()))
        return Post(
            images=len(images),
            size=size * 4 // 3 if as_field else size,  # in base64
            as_field=as_field,
            suspect=alone and attempt.limit is not None,
            rejected_as_file=rejected,
        )

    async def _post(self, parts: Sequence[Part], post: Post, credentials: Credentials) -> Uploaded:
        if post.as_field:
            return await self._client.upload_bytes(self._lane.account, credentials, parts[0])
        return await self._client.upload(self._lane.account, credentials, parts)

    async def _on_held(self, images: Sequence[tuple[Loaded, Entry]]) -> None:
        """Called when an account holds images of a POST."""
        lane, size = self._lane, sum(len(image.content) for image, _ in images)
        digests = [image.digest for image, _ in images]
        if digests:
            await lane.learn_no_copy(digests)
        lane.record_held(digests, size)
        log.info_each(
            "image.held",
            account=repeat(lane.name),
            file=[str(image.source) for image, _ in images],
            hash=[entry.hash for _, entry in images],
            sha256=[digest.hex() for digest in digests],
        )

    async def _on_unmatched(self, images: Sequence[Loaded], sent: int) -> None:
        """Called with the images of a POST of `sent` that its response does not name."""
        lane = self._lane
        if images and sent > 1:
            self._put_back(images, limit=1)
        elif images:
            await lane.retry_later(_labelled(images), "the response does not name the image")

    async def _on_error(
        self, images: Sequence[Loaded], post: Post, error: GraphError, sent_with: Credentials
    ) -> None:
        lane = self._lane
        digests = [image.digest for image in images]
        verdict = await lane.health.on_error(error, sent_with, digests)
        if verdict is Verdict.RETRY:
            tries = min(lane.attempts[image.digest].tries for image in images) + 1
            if len(images) > 1 and tries >= SPLIT_AFTER:
                lane.attempts.limit(digests, len(images) // 2)
            await lane.limitations.learn(lane.limitations.limits.after_upload_failed())
            await lane.retry_later(_labelled(images), str(error.api_error), error.api_error)
        elif verdict.scope is Scope.IMAGE:
            await self._on_image_error(images, post, error.api_error, verdict)
        else:
            if verdict is Verdict.STOP_ACCOUNT:
                await lane.health.stop_for(verdict, error.api_error, [lane.health])
            self._put_back(images)

    async def _on_image_error(
        self, images: Sequence[Loaded], post: Post, error: ApiError, verdict: Verdict
    ) -> None:
        limitations, too_large = self._lane.limitations, verdict is Verdict.TOO_LARGE
        is_larger = too_large and limitations.limits.is_too_large(post.size)
        await limitations.learn(limitations.limits.after_rejected(post, too_large=too_large))
        if len(images) > 1:
            log.info("upload.split", account=self._lane.name, images=len(images), why=str(error))
            self._put_back(images, limit=len(images) // 2)
            return
        (image,) = images
        match fate(verdict, as_field=post.as_field, too_large=is_larger):
            case Fate.RETRY:
                if too_large:  # its size is not the reason
                    await self._lane.health.on_failure(error, [image.digest])
                await self._lane.retry_later(_labelled(images), str(error), error)
            case Fate.AS_FIELD:
                tried = limitations.limits.after_file_rejected(time.time())
                await limitations.learn(tried)
                self._lane.attempts.send_as_field(image.digest, str(error))
                self._put_back(images)
            case Fate.CONFIRM:
                await self._confirm(image, error, verdict)
            case Fate.REJECT:
                await self._reject(image, error)

    async def _confirm(self, image: Loaded, error: ApiError, verdict: Verdict) -> None:
        """Reject an image if it has met the error long ago; otherwise send it again then."""
        account, now = self._lane.account, time.time()
        doubted_at = await self._ledger.read(replicas.doubted_at(account, image.digest))
        left = time_to_confirm(verdict, doubted_at, now)
        if not left:
            await self._reject(image, error)
            return
        if doubted_at is None or doubted_at > now:
            await self._ledger.write(replicas.record_doubt(account, image.digest, now))
        await self._lane.retry_later(
            _labelled([image]), str(error), error, delay=left + CLOCKS_DIFFER
        )

    async def _reject(self, image: Loaded, error: ApiError) -> None:
        lane = self._lane
        why = lane.attempts[image.digest].rejected_as_file or str(error)
        await self._ledger.write(replicas.record_rejected(lane.account, image.digest, why))
        lane.done(image.digest)
        lane.counters.rejected += 1
        log.warning(
            "image.rejected",
            account=lane.name,
            file=str(image.source),
            why=why,
            sha256=image.digest.hex(),
            error_user_title=error.title,
            error_user_msg=error.user_message,
            fbtrace_id=error.trace_id,
        )

    def _put_back(self, images: Sequence[Loaded], limit: int | None = None) -> None:
        digests = [image.digest for image in images]
        if limit is not None:
            self._lane.attempts.limit(digests, limit)
        self._lane.queue.put_back(digests)


def _labelled(images: Sequence[Loaded]) -> dict[Digest, str | None]:
    return {image.digest: str(image.source) for image in images}


def named_parts(images: Sequence[Loaded]) -> list[Part]:
    """Return the parts of one POST in the order of the images; no two have the same name."""
    kinds = [FORMATS.get(image.format or "", _UNKNOWN) for image in images]
    names = part_names(
        (image.source.name, extension) for image, (_, extension) in zip(images, kinds, strict=True)
    )
    return [
        Part(name, media_type, image.content)
        for image, name, (media_type, _) in zip(images, names, kinds, strict=True)
    ]


def match_entries(
    images: Sequence[T], parts: Sequence[Part], entries: Mapping[str, Entry]
) -> tuple[list[tuple[T, Entry]], list[T]]:
    """Return the images with their entries, and the images that the response does not identify.

    An entry belongs to the image whose part's name is its key or its `name`. The only entry of a
    POST of one image belongs to that image. A wrong hash costs more than another call, so an
    ambiguous entry belongs to no image:
    - its key names one image and its `name` another, or two entries name the same image;
    - only its `name` matches, and not every image has an entry: the account may know the same bytes
      by an earlier name;
    - its key could be the simplified name of an image that has no entry.
    """
    if len(images) == 1 and len(entries) == 1:
        return [(images[0], next(iter(entries.values())))], []
    places = {normalized(part.name): place for place, part in enumerate(parts)}
    by_key: dict[int, list[Entry]] = {}
    by_name: dict[int, list[Entry]] = {}
    for key, entry in entries.items():
        keyed, named = places.get(normalized(key)), places.get(normalized(entry.name or ""))
        if keyed is not None and named in (keyed, None):
            by_key.setdefault(keyed, []).append(entry)
        elif keyed is None and named is not None:
            by_name.setdefault(named, []).append(entry)
    known = _unambiguous(by_key)
    if len(everything := _unambiguous(by_key, by_name)) == len(parts):
        known = everything
    if len(known) < len(parts):
        left = [_simplified(part.name) for place, part in enumerate(parts) if place not in known]
        for place in [p for p in known if _is_prefix_of_any(_simplified(parts[p].name), left)]:
            del known[place]
    matched = [(image, known[place]) for place, image in enumerate(images) if place in known]
    return matched, [image for place, image in enumerate(images) if place not in known]


def _unambiguous(*claims: Mapping[int, Sequence[Entry]]) -> dict[int, Entry]:
    """Return the entries of the places that exactly one entry claims."""
    places = {place for claim in claims for place in claim}
    entries = {place: [e for claim in claims for e in claim.get(place, ())] for place in places}
    return {place: found[0] for place, found in entries.items() if len(found) == 1}


def _simplified(name: str) -> str:
    """Return a name without the characters that a server may drop or replace."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in decomposed if c.isascii() and c.isalnum())


def _is_prefix_of_any(name: str, others: Sequence[str]) -> bool:
    return any(other.startswith(name) or name.startswith(other) for other in others)
