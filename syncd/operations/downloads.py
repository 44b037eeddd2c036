"""Downloads of an account's images into a directory, where nothing is overwritten."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress

from syncd.engine.uploads import FORMATS
from syncd.graph.client import Connections, GraphError
from syncd.graph.exchange import HttpError
from syncd.graph.image_calls import download
from syncd.graph.nodes import Node
from syncd.images.probe import Picture, probe_bytes
from syncd.model import ImageHash, printable
from syncd.operations.calls import ClosedError
from syncd.operations.listing import looked_up
from syncd.operations.result import NOT_TRIED, Result
from syncd.operations.session import Session
from syncd.rules.batch import part_names

_FIELDS = ("hash", "name", "status", "width", "height", "url", "permalink_url")
_AT_ONCE = 10  # images that are looked up together: a URL expires
_LONGEST_NAME = 240  # bytes; file systems take 255
_SAME = ({".jpg", ".jpeg"}, {".tif", ".tiff"})


class DownloadError(Exception):
    """An image was not downloaded; the message is for the operator."""


async def downloaded(
    session: Session, hashes: Sequence[ImageHash], directory: str
) -> AsyncIterator[Result]:
    """Download images into a directory, and yield what became of each.

    An error about the account is raised after the images that are left were yielded.
    """
    graph = session.config.graph
    connections = Connections(graph.base_url, graph.timeout)
    try:
        for first in range(0, len(hashes), _AT_ONCE):
            some = hashes[first : first + _AT_ONCE]
            try:
                found = await looked_up(session, some, _FIELDS)
            except (GraphError, ClosedError):
                for image_hash in hashes[first:]:
                    yield Result(hash=image_hash, why=NOT_TRIED)
                raise
            for image_hash in some:
                yield await _result(connections, image_hash, found.get(image_hash), directory)
    finally:
        await connections.close()


async def _result(
    connections: Connections, image_hash: ImageHash, node: Node | None, directory: str
) -> Result:
    if node is None:
        return Result(hash=image_hash, why="the account does not list it")
    name = node.fields.get("name")
    name = name if isinstance(name, str) else None
    try:
        content, extension = await _content(connections, node)
        names = file_names(name or image_hash, image_hash, extension)
        path, is_new = await asyncio.to_thread(_save, directory, names, content)
    except (DownloadError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Result(hash=image_hash, name=name, why=f"{why}; nothing was written")
    state = "downloaded" if is_new else "there before"
    return Result(file=printable(os.fsencode(path)), hash=image_hash, name=name, state=state)


async def _content(connections: Connections, node: Node) -> tuple[bytes, str]:
    """Return the bytes of an image and the extension of their format, after they were checked."""
    content, why = None, "the account gives no URL for it"
    for field in ("url", "permalink_url"):  # the first one expires
        url = node.fields.get(field)
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            continue
        try:
            response = await download(connections, url)
        except HttpError as error:
            why = str(error)
            continue
        if response.status == 200:
            content = response.content
            break
        why = f"its URL returned HTTP {response.status}"
    if content is None:
        raise DownloadError(why)
    verdict = probe_bytes(content)
    if not isinstance(verdict, Picture):
        raise DownloadError(f"the download is not a complete image: {verdict.reason}")
    listed = node.fields.get("width"), node.fields.get("height")
    if None not in listed and listed not in (
        (verdict.width, verdict.height),
        (verdict.height, verdict.width),  # as stored: an EXIF rotation is not applied
    ):
        raise DownloadError(
            f"the download has {verdict.width}x{verdict.height} pixels, and the account lists"
            f" {listed[0]}x{listed[1]}"
        )
    return content, FORMATS[verdict.format.name][1]


def file_names(name: str, image_hash: ImageHash, extension: str) -> Iterator[str]:
    """Yield safe names for a file: that of the image, and the same with its hash.

    A name has no directory, does not begin with a dot, and ends in the extension of its format.
    """
    (safe,) = part_names([(name.encode("utf-8", "replace"), extension)])
    stem, dot, suffix = safe.rpartition(".")
    given = f"{dot}{suffix.lower()}"
    if given != extension and not any({given, extension} <= same for same in _SAME):
        suffix = extension.removeprefix(".")
    if stem.startswith("."):
        stem = f"_{stem[1:]}"
    for mark in ("", f"-{image_hash[:8]}", f"-{image_hash}"):
        short = stem
        while len(f"{short}{mark}.{suffix}".encode()) > _LONGEST_NAME:
            short = short[:-1]
        yield f"{short}{mark}.{suffix}"


def _save(directory: str, names: Iterator[str], content: bytes) -> tuple[str, bool]:
    """Write a new file under the first free name; return its path, and whether it is new.

    A file with the same content is left as it is. Blocks.
    """
    for name in names:
        path = os.path.join(directory, name)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            if _has_content(path, content):
                return path, False
            continue
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
        except BaseException:
            os.unlink(path)
            raise
        return path, True
    raise DownloadError(f"{directory} has other files with each of its names")


def _has_content(path: str, content: bytes) -> bool:
    with suppress(OSError):
        if os.path.isfile(path) and os.path.getsize(path) == len(content):
            with open(path, "rb") as file:
                return file.read() == content
    return False
