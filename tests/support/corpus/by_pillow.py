"""Pictures as Pillow writes them: every mode with the options that change a file's structure."""

import io
import random
from collections.abc import Iterator
from itertools import product
from typing import Any

from PIL import Image

WIDTH, HEIGHT = 61, 47


def noise(mode: str, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    image = Image.frombytes("RGB", (width, height), random.Random(7).randbytes(3 * width * height))
    return image.convert("L").convert(mode) if mode in {"I;16", "F"} else image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpegs() -> Iterator[tuple[str, bytes]]:
    for mode, progressive, sampling in product(("L", "RGB", "CMYK"), (False, True), (0, 1, 2)):
        data = saved(noise(mode), "JPEG", progressive=progressive, subsampling=sampling)
        yield f"{mode}, progressive {progressive}, subsampling {sampling}", data
    for quality in (1, 50, 100):
        yield f"quality {quality}", saved(noise("RGB"), "JPEG", quality=quality, optimize=True)
    for rows in (1, 5):
        yield f"restart every {rows} rows", saved(noise("RGB"), "JPEG", restart_marker_rows=rows)
    yield "with a comment", saved(noise("RGB"), "JPEG", comment=b"\xff\xd9" * 9)
    yield "with a profile", saved(noise("RGB"), "JPEG", icc_profile=bytes(400_000))
    yield "two pictures", saved(noise("RGB"), "MPO", save_all=True, append_images=[noise("RGB")])


def pngs() -> Iterator[tuple[str, bytes]]:
    modes = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    for mode, level in product(modes, (0, 1, 9)):
        yield f"{mode}, level {level}", saved(noise(mode), "PNG", compress_level=level)
    for bits in (1, 2, 4):
        yield f"{bits} bits", saved(noise("RGB").quantize(2**bits), "PNG", bits=bits)
    yield "transparent", saved(noise("P"), "PNG", transparency=3)
    yield "with a profile", saved(noise("RGB"), "PNG", icc_profile=bytes(400_000))
    more = [noise("RGB").rotate(90 * turn) for turn in (1, 2)]
    yield "animated", saved(noise("RGB"), "PNG", save_all=True, append_images=more)


def gifs() -> Iterator[tuple[str, bytes]]:
    for mode, interlace in product(("1", "L", "P"), (0, 1)):
        yield f"{mode}, interlaced {interlace}", saved(noise(mode), "GIF", interlace=interlace)
    for colours in (2, 4, 16, 256):
        yield f"{colours} colours", saved(noise("RGB").quantize(colours), "GIF")
    yield "with a comment", saved(noise("P"), "GIF", comment=b"made by hand")
    yield "transparent", saved(noise("P"), "GIF", transparency=0)
    more = [noise("RGB").rotate(90 * turn) for turn in (1, 2)]
    for loop in (None, 0):
        options = {} if loop is None else {"loop": loop}
        data = saved(noise("RGB"), "GIF", save_all=True, append_images=more, **options)
        yield f"animated, loop {loop}", data


def bmps() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield mode, saved(noise(mode), "BMP")


def tiffs() -> Iterator[tuple[str, bytes]]:
    compressions = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
    for mode, compression in product(("1", "L", "P", "RGB", "RGBA", "CMYK"), compressions):
        yield f"{mode}, {compression}", saved(noise(mode), "TIFF", compression=compression)
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield compression, saved(noise("1"), "TIFF", compression=compression)
    for compression in (*compressions, "jpeg"):
        data = saved(noise("RGB"), "TIFF", compression=compression, strip_size=1500)
        yield f"strips, {compression}", data
    for mode, big in product(("I;16", "F"), (False, True)):
        yield f"{mode}, big {big}", saved(noise(mode), "TIFF", big_tiff=big)
    data = saved(noise("RGB"), "TIFF", save_all=True, append_images=[noise("L")])
    yield "two pages", data
