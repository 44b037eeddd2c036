"""The images in the body of an upload: files, files inside a zip, or the field `bytes`."""

from __future__ import annotations

import base64
import binascii
import io
import os.path
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import call_error
from syncd.sandbox.formats import EXTENSIONS, ZIP_MARK
from syncd.sandbox.multipart import base_name
from syncd.sandbox.switches import Switches

BYTES_NAME = "bytes"
"""The name of an image that was sent as `bytes`: observed."""

_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class UploadFile:
    """One uploaded image; `key` is the key of its entry in the response."""

    key: str
    name: str
    content: bytes


def read_files(call: Call, switches: Switches) -> list[UploadFile]:
    """Return the images of an upload; raise error 100 when it has none."""
    images: list[UploadFile] = []
    for part in call.files:
        name = base_name(part.filename or "")
        if part.content.startswith(ZIP_MARK):
            images.extend(_zipped(part.content, switches))
        else:
            images.append(UploadFile(name, name, part.content))
    text = call.params.text("bytes")
    if text is not None:
        images.append(UploadFile(BYTES_NAME, BYTES_NAME, _decoded(text)))
    if not images:
        raise call_error("100", "(#100) The parameter bytes or copy_from, or a file, is required")
    return images


def checked_name(image: UploadFile, switches: Switches) -> str:
    """Return the name of an image in its account; raise the error of an invalid name."""
    if image.key == BYTES_NAME:
        return image.name
    extension = os.path.splitext(image.name)[1].lower()
    # "sample.jpg, and not just sample or sample.tmp" [doc]
    is_valid = len(extension) > 1 if switches.extension == "any" else extension in EXTENSIONS
    if not is_valid:
        raise call_error("100/1487411")
    if len(image.name) <= _NAME_LENGTH:
        return image.name
    if switches.long_name == "refuse":
        raise call_error("100", f"(#100) The name must be at most {_NAME_LENGTH} characters long")
    return image.name[:_NAME_LENGTH]


def _zipped(content: bytes, switches: Switches) -> Iterator[UploadFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _hidden(e.filename)]
            too_large = any(e.file_size > switches.max_image_bytes for e in entries)
            if not entries or len(entries) > switches.max_zip_images or too_large:
                raise call_error("100/2490361")
            for entry in entries:
                yield UploadFile(entry.filename, base_name(entry.filename), archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, binascii.Error):
        raise call_error("100/2490361") from None


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or base_name(name).startswith(".")


def _decoded(text: str) -> bytes:
    # An unescaped + of an urlencoded body arrives as a space; base64(1) adds line breaks.
    packed = text.replace(" ", "+").replace("\n", "").replace("\r", "")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise call_error("100/1487242") from None
