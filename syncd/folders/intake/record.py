"""Recording of what was read: the facts go to the ledger, their news to the log and the engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import structlog

from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.read import Reading
from syncd.folders.intake.settle import Found
from syncd.folders.safe_open import Unreadable
from syncd.images.probe import Picture, Unsupported
from syncd.images.unfinished import Unfinished, is_unfinished, sentence
from syncd.ledger import files
from syncd.ledger.alerts import UNREADABLE_FILE
from syncd.ledger.database import Ledger
from syncd.ledger.files import Content, Place, Unread
from syncd.ledger.sources import Loaded, Source
from syncd.log import Log, elapsed
from syncd.model import AccountId, Digest, Stat, printable

log: Log = structlog.get_logger()

OnImage = Callable[[int, Digest, bool], None]
"""Called once a fit image is in the ledger: folder id, digest, whether it has just been dropped."""


class Recorder:
    """The recorder of files that were read."""

    def __init__(
        self,
        ledger: Ledger,
        cache: ContentCache,
        on_image: OnImage,
        accounts: Callable[[int], Sequence[AccountId]],
    ) -> None:
        """`accounts` returns the accounts that a folder feeds, by the folder's id.

        The cache keeps each new image for them.
        """
        self._ledger = ledger
        self._cache = cache
        self._on_image = on_image
        self._accounts = accounts

    async def record(
        self, batch: Sequence[Found], results: Sequence[Reading | Unreadable]
    ) -> list[tuple[Found, Stat]]:
        """Record the results; return the files that changed meanwhile, with their new stats."""
        changed: list[tuple[Found, Stat]] = []
        facts: list[tuple[Place, Stat, Content | str]] = []
        recorded: list[tuple[Found, Content | str, bytes | None]] = []
        for found, result in zip(batch, results, strict=True):
            content: Content | str
            data: bytes | None = None
            match result:
                case Reading(stat_before=before, stat_after=after) if (
                    before != found.stat or after != before
                ):
                    changed.append((found, after))
                    continue
                case Unreadable(gone=True):
                    log.debug("file.gone", file=_path(found))
                    continue
                case Reading(verdict=Unfinished() as code):
                    content = code.value
                case Reading(verdict=(Picture() | Unsupported()) as verdict):
                    content, data = _content(result, verdict), result.content
                case Unreadable(reason=why):
                    content = why
            facts.append((found.place, found.stat, content))
            recorded.append((found, content, data))
        if facts:
            now = time.time()
            unread, news = await self._ledger.write(files.record_all_since(facts, now))
            for (found, content, data), is_new in zip(recorded, news, strict=True):
                self._log_unread(found, content, unread.get(found.place), now)
                if isinstance(content, Content):
                    self._report(found, content, data, is_new=is_new)
        return changed

    def _log_unread(
        self, found: Found, content: Content | str, before: Unread | None, now: float
    ) -> None:
        """Log once that a file cannot be read or is not finished, and that it can be read again."""
        why = content if isinstance(content, str) else None
        unfinished = why is not None and is_unfinished(why)
        was_unfinished = before is not None and is_unfinished(before.error)
        was_unreadable = before is not None and not was_unfinished
        if why is not None and not unfinished:
            if not was_unreadable:
                log.error("file.unreadable", file=_path(found), why=why, remedy=UNREADABLE_FILE)
            return
        if before is not None and was_unreadable:
            log.notice("file.readable", file=_path(found), duration=elapsed(before.since, now))
        if why is not None and not was_unfinished:
            log.info("file.unfinished", file=_path(found), why=sentence(why))

    def _report(self, found: Found, content: Content, data: bytes | None, *, is_new: bool) -> None:
        if content.unfit is not None:
            sha256 = content.digest.hex()
            log.warning("file.rejected", file=_path(found), why=content.unfit, sha256=sha256)
        elif is_new:
            folder_id = found.place.folder_id
            if data is not None:
                image = Loaded(content.digest, data, _source(found), content.format)
                self._cache.keep(image, self._accounts(folder_id))
            self._on_image(folder_id, content.digest, found.fresh)
        elif found.fresh:
            log.info("file.known", file=_path(found), sha256=content.digest.hex())


def _path(found: Found) -> str:
    return printable(os.path.join(found.root, found.place.path))


def _source(found: Found) -> Source:
    place = found.place
    return Source(
        folder_id=place.folder_id,
        root=found.root,
        directory=place.directory,
        name=place.name,
        stat=found.stat,
    )


def _content(reading: Reading, verdict: Picture | Unsupported) -> Content:
    size = reading.size
    if isinstance(verdict, Picture):
        return Content(
            digest=reading.digest,
            size=size,
            format=verdict.format.name,
            width=verdict.width,
            height=verdict.height,
            unfit=None,
        )
    return Content(
        digest=reading.digest,
        size=size,
        format=None,
        width=None,
        height=None,
        unfit=verdict.reason,
    )
