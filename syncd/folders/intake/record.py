"""Recording of what was read: the facts go to the ledger, their news to the log and the engine."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence

import structlog

from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.read import Reading
from syncd.folders.intake.settle import Found
from syncd.folders.safe_open import Unreadable
from syncd.images.probe import Picture
from syncd.ledger import files
from syncd.ledger.alerts import UNREADABLE_FILE
from syncd.ledger.database import Ledger
from syncd.ledger.files import Content, Place
from syncd.log import Log, elapsed
from syncd.model import Digest, Stat, printable

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
        uses: Callable[[int], int],
    ) -> None:
        """`uses` returns the number of accounts of a folder, by the folder's id.

        The cache keeps the bytes of each new image for that number of uses.
        """
        self._ledger = ledger
        self._cache = cache
        self._on_image = on_image
        self._uses = uses

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
                case Reading():
                    content, data = _content(result), result.content
                case Unreadable(reason=why):
                    content = why
            facts.append((found.place, found.stat, content))
            recorded.append((found, content, data))
        if facts:
            now = time.time()
            troubled, news = await self._ledger.write(files.record_all_since(facts, now))
            for (found, content, data), is_new in zip(recorded, news, strict=True):
                self._log_readable(found, content, troubled.get(found.place), now)
                if isinstance(content, Content):
                    self._report(found, content, data, is_new=is_new)
        return changed

    def _log_readable(
        self, found: Found, content: Content | str, since: float | None, now: float
    ) -> None:
        """Log a file that can no longer be read, or can be again; `since` is its last trouble."""
        match content:
            case Content() if since is not None:
                log.notice("file.readable", file=_path(found), duration=elapsed(since, now))
            case str(why) if since is None:
                log.error("file.unreadable", file=_path(found), why=why, remedy=UNREADABLE_FILE)
            case _:
                pass

    def _report(self, found: Found, content: Content, data: bytes | None, *, is_new: bool) -> None:
        if content.unfit is not None:
            sha256 = content.digest.hex()
            # An empty file may be the placeholder of a download.
            level = logging.WARNING if content.size else logging.INFO
            log.log(level, "file.rejected", file=_path(found), why=content.unfit, sha256=sha256)
        elif is_new:
            folder_id = found.place.folder_id
            if data is not None:
                self._cache.keep(content.digest, data, self._uses(folder_id))
            self._on_image(folder_id, content.digest, found.fresh)
        elif found.fresh:
            log.info("file.known", file=_path(found), sha256=content.digest.hex())


def _path(found: Found) -> str:
    return printable(os.path.join(found.root, found.place.path))


def _content(reading: Reading) -> Content:
    size, verdict = reading.size, reading.verdict
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
