"""What an image's URL shows: no bytes are kept, so a pattern made from the hash."""

from __future__ import annotations

import hashlib

_SIDE = 128
_CELLS = 5


def thumbnail(image_hash: str) -> str:
    """Return a small SVG that is the same for the same hash, and mirrored, so that it is told."""
    digest = hashlib.sha256(image_hash.encode()).digest()
    hue = digest[0] * 360 // 256
    cell = _SIDE // (_CELLS + 1)
    margin = (_SIDE - cell * _CELLS) // 2
    squares = [
        f'<rect x="{margin + x * cell}" y="{margin + y * cell}" width="{cell}" height="{cell}"/>'
        for y in range(_CELLS)
        for x in range(_CELLS)
        if digest[1 + y * 3 + min(x, _CELLS - 1 - x)] % 2
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}">'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="hsl({hue} 40% 92%)"/>'
        f'<g fill="hsl({hue} 55% 45%)">{"".join(squares)}</g></svg>\n'
    )
