"""The files that an operator names: read, checked as the daemon checks its own, and unpacked."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator

import msgspec

from syncd.folders.intake.read import MAX_SIZE, Reader
from syncd.folders.safe_open import Unreadable
from syncd.images.probe import Picture as Probed
from syncd.images.probe import Unsupported, Verdict, probe_bytes
from syncd.ledger.files import Content
from syncd.model import Digest, printable

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)
"""What zipfile raises for a broken or encrypted archive: OSError in bz2, ValueError for an offset
before the file and for a name that is not in its encoding."""

_ZIP = b"PK\x03\x04"  # APPNOTE.TXT, 4.3.7: the signature of a local file header


class Picture(msgspec.Struct, frozen=True):
    """An image to send; `content` is empty for one inside an archive."""

    label: str
    """The path, and the entry of an archive, for the operator."""
    name: bytes
    content: bytes
    facts: Content


class Archive(msgspec.Struct, frozen=True):
    """A ZIP file that is sent as it is, and the images in it by the names of their entries."""

    label: str
    content: bytes
    pictures: tuple[Picture, ...]


class Refused(msgspec.Struct, frozen=True):
    """A file that is not sent, with the reason for the operator."""

    label: str
    why: str


def read(path: str) -> Picture | Archive | Refused:
    """Return an image or an archive of images with its bytes, or why it is not sent. Blocks."""
    label = printable(os.path.abspath(os.fsencode(path)))
    place = os.path.realpath(os.fsencode(path))  # an operator may name a link
    parent, name = os.path.split(place)
    try:
        with Reader() as reader:
            reading = reader.digest(parent, name)
            content = reading.content
            if content is None:
                content = reader.read(parent, name, reading.stat_after)
    except Unreadable as error:
        return Refused(label, error.reason)
    if content is None or hashlib.sha256(content).digest() != reading.digest:
        return Refused(label, "it has changed while it was read")
    if content.startswith(_ZIP):
        return _archive(label, content)
    return _picture(label, os.path.basename(os.fsencode(path)), content, reading.verdict)


def _picture(label: str, name: bytes, content: bytes, verdict: Verdict) -> Picture | Refused:
    match verdict:
        case Probed():
            facts = Content(
                digest=Digest(hashlib.sha256(content).digest()),
                size=len(content),
                format=verdict.format.name,
                width=verdict.width,
                height=verdict.height,
                unfit=None,
            )
            return Picture(label, name, content, facts)
        case Unsupported():
            return Refused(label, verdict.reason)
        case _:
            return Refused(label, f"it is not finished: {verdict.reason}")


def _archive(label: str, content: bytes) -> Archive | Refused:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            pictures: list[Picture] = []
            for one in _entries(label, archive):
                if isinstance(one, Refused):  # it may fail all of them
                    entry = one.label.removeprefix(f"{label}: ")
                    return Refused(label, f"{entry}: {one.why}; remove it from the ZIP file")
                pictures.append(one)
    except _BROKEN_ZIP as error:
        return Refused(label, f"the ZIP file cannot be read: {printable(str(error))}")
    if not pictures:
        return Refused(label, "it has no image")
    return Archive(label, content, tuple(pictures))


def _entries(label: str, archive: zipfile.ZipFile) -> Iterator[Picture | Refused]:
    names: set[str] = set()
    for entry in archive.infolist():
        base = entry.filename.rpartition("/")[2]
        if entry.is_dir() or base.startswith(".") or entry.filename.startswith("__MACOSX/"):
            continue
        place = f"{label}: {printable(entry.filename)}"
        if entry.filename in names:
            yield Refused(place, "another entry has its name")
        names.add(entry.filename)
        if entry.file_size > MAX_SIZE:
            yield Refused(place, f"too large: {entry.file_size:,} bytes")
        content = archive.read(entry)
        found = _picture(place, entry.filename.encode(), content, probe_bytes(content))
        if isinstance(found, Picture):
            found = msgspec.structs.replace(found, content=b"")
        yield found


def packed(files: Iterator[tuple[str, bytes]]) -> bytes:
    """Return a ZIP file of named contents, which are not compressed: images already are."""
    buffer = io.BytesIO()
    now = time.localtime()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, now), content)
    return buffer.getvalue()
