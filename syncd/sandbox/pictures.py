"""Inspection of an image's bytes: whether they are one, its size and its hash."""

from __future__ import annotations

import hashlib
import io

import imagesize

from syncd.sandbox.errors import call_error
from syncd.sandbox.formats import Format, canonical, format_of, is_complete
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import ImageHash, Picture


def examine(content: bytes, switches: Switches) -> Picture:
    """Return the picture in these bytes; raise the edge's error when they are not an image."""
    kind = format_of(content)
    if kind is None:
        raise call_error("100/1487411")
    if len(content) > switches.max_image_bytes:
        raise call_error("100/2490361")
    original_width, original_height = imagesize.get(io.BytesIO(content), exif_rotation=False)
    if min(original_width, original_height) < 1 or not is_complete(content, kind):
        raise call_error("100/1487197")
    width, height = imagesize.get(io.BytesIO(content))
    digest = hashlib.sha256(content)
    return Picture(
        hash=_hash(content, kind, digest.digest(), switches),
        sha256=digest.hexdigest(),
        size=len(content),
        width=width,
        height=height,
        original_width=original_width,
        original_height=original_height,
    )


def _hash(content: bytes, kind: Format, digest: bytes, switches: Switches) -> ImageHash:
    # The real hash is made after transcoding: it looks like an MD5 of what was sent, and is not.
    # Nothing is transcoded here; a digest of the digest has the same properties.
    if switches.transcoding == "same_picture":
        digest = hashlib.sha256(canonical(content, kind)).digest()
    made = hashlib.md5(b"transcoded " + digest, usedforsecurity=False)
    return ImageHash(made.hexdigest())
