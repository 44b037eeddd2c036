"""What becomes of images once their POST has been answered, refused, or lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import assert_never

import structlog

from syncd.engine.lane import Lane
from syncd.engine.upload import Loaded
from syncd.graph.client import Credentials, GraphError
from syncd.ledger import accounts, alerts, copies, replicas
from syncd.ledger.copies import Holder
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Write, all_of
from syncd.log import Log
from syncd.model import AccountId, Digest, Entry
from syncd.rules.copy import REMEMBERED
from syncd.rules.errors import ApiError, Verdict, is_permission, judge
from syncd.rules.remedies import OF_VERDICT
from syncd.rules.sharing import Sharing

log: Log = structlog.get_logger()

_OF_CREDENTIALS = {Verdict.STOP_TOKEN, Verdict.STOP_ACCOUNT}
"""What is refused to a token, or to its user."""

_NOT_SHARED = "it refuses every POST of several images"

SPLIT_AFTER = 3
"""Failed tries after which images no longer share with as many: one of them may be the reason."""


class Outcomes:
    """Records facts once they are true, and sends back to the queue what is still missing."""

    def __init__(
        self,
        ledger: Ledger,
        token_mates: Callable[[Lane], Sequence[Lane]],
        held: Callable[[Lane, Sequence[Digest]], None],
        tries: int | None = None,
    ) -> None:
        """token_mates answers every lane of a lane's token; tries is how often to try an image;
        `held` hears of images that an account has just come to hold."""
        self._ledger = ledger
        self._held = held
        self._token_mates = token_mates
        self._tries = tries

    async def taken(
        self,
        lane: Lane,
        images: Sequence[tuple[Loaded, Entry]],
        sent: int,
        spending: Write[None],
        sent_at: float,
    ) -> None:
        """Images are held now; `sent` is how many shared their POST, `spending` what it cost, and
        sent_at when it began, in unix seconds."""
        now = time.time()
        held = [(image.digest, entry) for image, entry in images]
        holding = replicas.hold_all(lane.account, held, now, sent_at)
        await self._ledger.write(all_of([spending, holding]))
        await lane.went_through()
        if not images:
            return
        sharing = (
            lane.sharing.shared_taken()
            if sent > 1
            else lane.sharing.alone_taken(images[0][0].digest in lane.limits, now)
        )
        await self._learn(lane, sharing)
        self._held(lane, [image.digest for image, _ in images])
        for image, entry in images:
            lane.counters.images += 1
            lane.counters.bytes += len(image.content)
            lane.done(image.digest)
            log.info(
                "image.held",
                account=lane.name,
                file=str(image.source),
                hash=entry.hash,
                sha256=image.digest.hex(),
            )

    async def copied(
        self, lane: Lane, digest: Digest, file: str, entry: Entry, source: Holder
    ) -> None:
        """An image is held now that was copied out of another account."""
        await lane.went_through()
        now = time.time()
        await self._ledger.write(replicas.hold_all(lane.account, [(digest, entry)], now))
        if source.account in lane.no_copies_from:
            await self._accept_copies(lane, source.account, now)
        lane.counters.images += 1
        lane.done(digest)
        self._held(lane, [digest])
        log.info(
            "image.copied",
            account=lane.name,
            file=file,
            hash=entry.hash,
            sha256=digest.hex(),
            source=f"act_{source.account}",
        )

    async def copy_refused(
        self,
        lane: Lane,
        digest: Digest,
        file: str,
        source: Holder,
        error: GraphError,
        sent_with: Credentials,
    ) -> None:
        """A copy did not come about: the next source is tried, and then the bytes."""
        fault = error.fault
        match await self.troubled(lane, error, sent_with):
            case Verdict.RETRY:
                await self.later(lane, [(digest, file)], str(fault))
                return
            case Verdict.STOP_ACCOUNT:
                await lane.went_through()
                if is_permission(fault):
                    await self._refuse_copies(lane, source.account, str(fault))
                lane.not_from.setdefault(digest, set()).add(source.account)
            case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.TOO_LARGE | Verdict.UNKNOWN:
                lane.not_from.setdefault(digest, set()).add(source.account)
            case _:
                pass
        lane.queue.put_back([digest])

    async def copy_unnamed(self, lane: Lane, digest: Digest, source: Holder) -> None:
        """The account took a copy, and its answer names no image: no more of that."""
        await lane.went_through()
        lane.not_from.setdefault(digest, set()).add(source.account)
        lane.queue.put_back([digest])

    async def _refuse_copies(self, lane: Lane, source: AccountId, why: str) -> None:
        now = time.time()
        await self._ledger.write(copies.refuse(source, lane.account, now + REMEMBERED, why))
        begun = alerts.begin("copies.refused", lane.subject, why, now, part=source)
        lane.no_copies_from.add(source)
        if await self._ledger.write(begun):
            log.warning("copies.refused", account=lane.name, source=f"act_{source}", why=why)

    async def _accept_copies(self, lane: Lane, source: AccountId, now: float) -> None:
        lane.no_copies_from.discard(source)
        over = alerts.end("copies.refused", lane.subject, now, part=source)
        if (duration := await self._ledger.write(over)) is not None:
            log.notice(
                "copies.accepted", account=lane.name, source=f"act_{source}", duration=duration
            )

    async def unnamed(self, lane: Lane, images: Sequence[Loaded], sent: int) -> None:
        """The POST went through, and its answer does not say what became of these."""
        if not images:
            return
        if sent > 1:
            self._limit(lane, images, 1)
            lane.queue.put_back(image.digest for image in images)
        else:
            await self.later(lane, _labelled(images), "the account's answer names no image")

    async def refused(
        self, lane: Lane, images: Sequence[Loaded], error: GraphError, sent_with: Credentials
    ) -> None:
        """No image of this POST is held as far as anybody knows: decide by what came back."""
        match verdict := await self.troubled(lane, error, sent_with):
            case Verdict.RETRY:
                self._split_stubborn(lane, images)
                await self.later(lane, _labelled(images), str(error.fault))
            case Verdict.STOP_ACCOUNT:
                await lane.stop(verdict, str(error.fault), OF_VERDICT[verdict])
                lane.queue.put_back(image.digest for image in images)
            case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.TOO_LARGE | Verdict.UNKNOWN:
                await self._refused_as_images(lane, images, error.fault, verdict)
            case _:
                lane.queue.put_back(image.digest for image in images)

    async def troubled(self, lane: Lane, error: GraphError, sent_with: Credentials) -> Verdict:
        """Treat the account as an error asks for, which is returned as what it means.

        What may be refused to this one call alone is left to the caller; so is the gate when the
        account gives no permission.
        """
        fault, verdict = error.fault, judge(error.fault)
        if verdict in _OF_CREDENTIALS and sent_with != lane.credentials:
            lane.gate.turn_back()  # others have come meanwhile, of which this says nothing
            return Verdict.RETRY
        match verdict:
            case Verdict.RETRY:
                await lane.fail(fault)
            case Verdict.PAUSE_ACCOUNT | Verdict.PAUSE_ABUSE | Verdict.PAUSE_BLOCKED:
                await lane.pause(verdict, fault, error.usage)
            case Verdict.PAUSE_TOKEN:
                pause = await lane.pause(verdict, fault, error.usage)
                for mate in self._token_mates(lane):
                    if mate is not lane:
                        await mate.shut(pause)
            case Verdict.STOP_TOKEN | Verdict.STOP_VERSION:
                for mate in self._token_mates(lane):
                    await mate.stop(verdict, str(fault), OF_VERDICT[verdict])
            case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.TOO_LARGE | Verdict.UNKNOWN:
                await lane.went_through()
            case Verdict.STOP_ACCOUNT:
                pass
            case _:
                assert_never(verdict)
        return verdict

    async def _refused_as_images(
        self, lane: Lane, images: Sequence[Loaded], fault: ApiError, verdict: Verdict
    ) -> None:
        if len(images) > 1:
            log.info("upload.split", account=lane.name, images=len(images), why=str(fault))
            self._limit(lane, images, len(images) // 2)
            lane.queue.put_back(image.digest for image in images)
            await self._learn(lane, lane.sharing.shared_refused())
            return
        (image,) = images
        if verdict is Verdict.REJECT_UPLOAD and image.digest not in lane.as_bytes:
            # Some accounts refuse every file and take the form field: once more, that way.
            lane.as_bytes[image.digest] = str(fault)
            self._limit(lane, images, 1)
            lane.queue.put_back([image.digest])
            return
        await self._learn(lane, lane.sharing.alone_refused())
        if verdict is Verdict.UNKNOWN and image.digest not in lane.as_bytes:
            await self.later(lane, _labelled(images), str(fault))
            return
        why = lane.as_bytes.get(image.digest, str(fault))
        await self._ledger.write(replicas.reject(lane.account, image.digest, why, time.time()))
        lane.done(image.digest)
        log.warning(
            "image.rejected",
            account=lane.name,
            file=str(image.source),
            why=why,
            sha256=image.digest.hex(),
        )

    async def later(self, lane: Lane, images: Sequence[tuple[Digest, str]], why: str) -> None:
        """Images, each with its file in words, are tried again after a while, or given up."""
        await self._ledger.write(replicas.trouble(lane.account, [d for d, _ in images], why))
        waiting: list[Digest] = []
        for digest, file in images:
            tries = lane.tries.get(digest, 0) + 1
            if self._tries is not None and tries >= self._tries:
                lane.queue.give_up(digest)
                log.warning("image.given_up", account=lane.name, file=file, why=why, tries=tries)
            else:
                waiting.append(digest)
                log.info("image.retrying", account=lane.name, file=file, why=why, tries=tries)
        lane.retry_later(waiting)

    def _split_stubborn(self, lane: Lane, images: Sequence[Loaded]) -> None:
        if len(images) > 1 and all(
            lane.tries.get(image.digest, 0) + 1 >= SPLIT_AFTER for image in images
        ):
            self._limit(lane, images, len(images) // 2)

    def _limit(self, lane: Lane, images: Sequence[Loaded], limit: int) -> None:
        for image in images:
            lane.limits[image.digest] = limit

    async def _learn(self, lane: Lane, sharing: Sharing) -> None:
        before, lane.sharing = lane.sharing, sharing
        if sharing.alone_until == before.alone_until:
            return
        until, now = sharing.alone_until or None, time.time()
        await self._ledger.write(accounts.send_alone_until(lane.account, until))
        if until is None:
            over = alerts.end("account.batching_off", lane.subject, now)
            duration = await self._ledger.write(over)
            log.notice("account.batching_restored", account=lane.name, duration=duration)
            return
        begun = alerts.begin("account.batching_off", lane.subject, _NOT_SHARED, now)
        if await self._ledger.write(begun):
            log.warning("account.batching_off", account=lane.name)


def _labelled(images: Sequence[Loaded]) -> list[tuple[Digest, str]]:
    return [(image.digest, str(image.source)) for image in images]
