"""A urlencoded form as a body; no IO of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlencode

from syncd.graph.multipart import Body

_URLENCODED = "application/x-www-form-urlencoded"


def form(fields: Mapping[str, str]) -> Body:
    """Return a form of plain fields."""
    return Body(_URLENCODED, (urlencode(fields).encode(),))


def form_of_bytes(content: bytes, fields: Mapping[str, str]) -> Body:
    """Return a urlencoded form of an image's bytes and of fields that need no quoting."""
    text = base64.b64encode(content)
    for sign, quoted in ((b"+", b"%2B"), (b"/", b"%2F"), (b"=", b"%3D")):
        text = text.replace(sign, quoted)
    rest = "".join(f"&{name}={value}" for name, value in fields.items()).encode()
    return Body(_URLENCODED, (b"bytes=", text, rest))
