"""Uploads by hand: files, ZIP files, or images as the form field `bytes`."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from syncd.engine.limitations import Limitations
from syncd.engine.uploads import FORMATS, match_entries
from syncd.graph.body import Part
from syncd.graph.client import Credentials, GraphError, Uploaded
from syncd.graph.shapes import Usage
from syncd.ledger import by_hand
from syncd.model import Digest, Entry
from syncd.operations.calls import ClosedError, sentence
from syncd.operations.pictures import Archive, Picture, Refused, packed, read
from syncd.operations.result import NOT_TRIED, Result
from syncd.operations.session import Session
from syncd.operations.way import Way
from syncd.rules.batch import part_names
from syncd.rules.errors import Scope, Verdict, judge
from syncd.rules.pacing.budget import write
from syncd.rules.rejection import Fate, fate

_UNNAMED = "the response does not name the image: `syncd images list --name` shows whether it is in"

_Sent = tuple[list[tuple[Picture, Entry]], list[Picture]]
"""The images that the response names, with their entries, and those that it does not name."""


_Unit = Refused | Archive | list[Picture]
"""The images of one POST, or a file that is not sent."""


class Uploads:
    """The uploads to one account; each POST is as large as the account takes and [pack] allows."""

    def __init__(self, session: Session, way: Way) -> None:
        self._session = session
        self._way = way
        self._sent: dict[Digest, Result] = {}
        self._ahead: Picture | Archive | Refused | None = None  # read, and left for the next POST
        self._most_images, self._most_bytes = 1, 0

    async def begin(self) -> None:
        """Read what POSTs of the account have shown."""
        session, now = self._session, time.time()
        calls, pack = session.calls, session.config.pack
        limitations = Limitations(calls.name, calls.account, session.ledger)
        await limitations.restore()
        limits = limitations.limits
        if self._way is Way.FILES and limits.sends_fields(now):
            self._way = Way.BYTES
        self._most_images = limits.images_per_post(pack.images, now)
        self._most_bytes = limits.bytes_per_post(pack.bytes, now)
        if self._way is Way.BYTES:
            self._most_images = 1

    async def results(self, paths: Sequence[str]) -> AsyncIterator[Result]:
        """Send files, and yield what became of each; the same bytes are sent once.

        An error about the account is raised after the files that are left were yielded.
        """
        left = deque(paths)
        while left:
            unit = await self._next(left)
            try:
                results = await self._process(unit)
            except (GraphError, ClosedError):
                for label in (*_labels(unit), *map(os.path.abspath, left)):
                    yield Result(file=label, why=NOT_TRIED)
                raise
            for result in results:
                yield result

    async def _next(self, left: deque[str]) -> _Unit:
        """Read the files of the next POST, and take them from the left."""
        batch: list[Picture] = []
        while left:
            ahead, self._ahead = self._ahead, None
            found = await asyncio.to_thread(read, left[0]) if ahead is None else ahead
            if batch and not (isinstance(found, Picture) and self._fits(batch, found)):
                self._ahead = found
                return batch
            left.popleft()
            if not isinstance(found, Picture):
                return found
            batch.append(found)
        return batch

    async def _process(self, unit: _Unit) -> list[Result]:
        match unit:
            case Refused(label, why):
                return [Result(file=label, why=f"{why}; nothing was sent")]
            case Archive():
                return await self._send_archive(unit)
            case _:
                known = self._sent
                same = [one for one in unit if one.facts.digest in known]
                new = [one for one in unit if one.facts.digest not in known]
                again = [replace(known[one.facts.digest], file=one.label) for one in same]
                return again + (await self._send(new, self._way) if new else [])

    def _fits(self, batch: Sequence[Picture], found: Picture) -> bool:
        if any(one.facts.digest == found.facts.digest for one in batch):
            return False
        size = sum(len(one.content) for one in (*batch, found))
        most = self._session.calls.images_per_post(self._most_images)
        return len(batch) < most and size <= self._most_bytes

    async def _send(self, batch: Sequence[Picture], way: Way) -> list[Result]:
        """Send images in one POST; those of a rejected POST are sent in halves."""
        parts = parts_of(batch, archived=way is Way.ZIP)
        try:
            if way is Way.ZIP:
                content = packed((part.name, part.content) for part in parts)
                archive = [Part("images.zip", "application/zip", content)]
                matched, unmatched = await self._post(batch, parts, archive, way)
            else:
                matched, unmatched = await self._post(batch, parts, parts, way)
        except GraphError as error:
            return await self._after_error(batch, way, error)
        results = [self._done(picture, entry) for picture, entry in matched]
        if len(batch) > 1:
            for picture in unmatched:
                results += await self._send([picture], way)
            return results
        return results + [Result(file=one.label, why=_UNNAMED) for one in unmatched]

    async def _after_error(
        self, batch: Sequence[Picture], way: Way, error: GraphError
    ) -> list[Result]:
        verdict = judge(error.api_error)
        if verdict.scope is not Scope.IMAGE:
            raise error
        if len(batch) > 1:
            middle = len(batch) // 2
            return await self._send(batch[:middle], way) + await self._send(batch[middle:], way)
        as_field, too_large = way is Way.BYTES, verdict is Verdict.TOO_LARGE
        if fate(verdict, as_field=as_field, too_large=too_large) is Fate.AS_FIELD:
            return await self._send(batch, Way.BYTES)
        return [Result(file=batch[0].label, why=sentence(error.api_error))]

    async def _send_archive(self, archive: Archive) -> list[Result]:
        part = Part("images.zip", "application/zip", archive.content)
        entries = [_part(picture, picture.name.decode()) for picture in archive.pictures]
        try:
            sent = await self._post(archive.pictures, entries, [part], Way.ZIP)
        except GraphError as error:
            if judge(error.api_error).scope is not Scope.IMAGE:
                raise
            return [Result(file=archive.label, why=sentence(error.api_error))]
        results = [self._done(picture, entry) for picture, entry in sent[0]]
        for one in sent[1]:
            same = self._sent.get(one.facts.digest)  # the response may name equal images once
            unnamed = Result(file=one.label, why=_UNNAMED)
            results.append(unnamed if same is None else replace(same, file=one.label))
        return results

    async def _post(
        self, pictures: Sequence[Picture], names: Sequence[Part], parts: Sequence[Part], way: Way
    ) -> _Sent:
        """Send `parts`; the response names the images as in `names`. Record what it names."""
        session = self._session
        client, account = session.client, session.calls.account

        async def send(credentials: Credentials) -> tuple[_Sent, Usage]:
            began = time.monotonic()
            if way is Way.BYTES:
                response = await client.upload_bytes(account, credentials, parts[0])
            else:
                response = await client.upload(account, credentials, parts)
            sent = _matched(pictures, names, response)
            if session.target.is_managed and sent[0]:
                held = [(picture.facts, entry) for picture, entry in sent[0]]
                at, now = client.clock.at(began), time.time()
                await session.ledger.write(
                    by_hand.record_uploaded(account, held, now, at, session.user)
                )
            return sent, response.usage

        return await session.calls.make(write(len(pictures)), send)

    def _done(self, picture: Picture, entry: Entry) -> Result:
        result = Result(file=picture.label, hash=entry.hash, name=entry.name, state="uploaded")
        self._sent[picture.facts.digest] = result
        return result


def _labels(unit: _Unit) -> list[str]:
    return [one.label for one in unit] if isinstance(unit, list) else [unit.label]


def _matched(pictures: Sequence[Picture], names: Sequence[Part], response: Uploaded) -> _Sent:
    """Return which entry is which image's; an entry of an archive may have its base name."""
    sent = match_entries(pictures, names, response.entries)
    bases = [replace(one, name=one.name.rpartition("/")[2]) for one in names]
    if not sent[1] or len({one.name for one in bases}) < len(bases):
        return sent
    other = match_entries(pictures, bases, response.entries)
    return other if len(other[0]) > len(sent[0]) else sent


def parts_of(batch: Sequence[Picture], *, archived: bool = False) -> list[Part]:
    """Return the parts of a request, with names that differ and have an extension.

    In an archive, a name that begins with a dot is that of a file which is not meant to be seen:
    its image would not be taken.
    """
    extensions = [FORMATS[picture.facts.format or ""][1] for picture in batch]
    names = [(one.name.lstrip(b".") or b"image") if archived else one.name for one in batch]
    files = zip(names, extensions, strict=True)
    return [_part(one, name) for one, name in zip(batch, part_names(files), strict=True)]


def _part(picture: Picture, name: str) -> Part:
    return Part(name, FORMATS[picture.facts.format or ""][0], picture.content)
