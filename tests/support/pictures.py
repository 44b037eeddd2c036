"""Real pictures, made anew for each test: no two seeds give the same bytes."""

import io
import random

from PIL import Image


def picture(seed: int, kind: str = "JPEG", width: int = 40, height: int = 30) -> bytes:
    """Return a noise picture; kind is Pillow's name of the format: JPEG, PNG, GIF, BMP, TIFF."""
    noise = random.Random(seed).randbytes(width * height * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), noise).save(out, kind)
    return out.getvalue()
