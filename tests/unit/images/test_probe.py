"""The verdict about a file by its content alone."""

import io
import random
import struct
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.corpus.by_hand import bmp, chunk
from support.fuzz import examples
from support.pictures import picture

from syncd.images.probe import Format, Picture, Unsupported, Verdict, probe
from syncd.images.unfinished import REJECTED_AFTER

KINDS = ["JPEG", "PNG", "GIF", "BMP", "TIFF"]


def verdict_on(data: bytes) -> Verdict:
    return probe(io.BytesIO(data), hole=False, unchanged=REJECTED_AFTER)


def reason(data: bytes) -> str:
    verdict = verdict_on(data)
    assert isinstance(verdict, Unsupported), verdict
    return verdict.reason


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(mode: str, width: int = 61, height: int = 47) -> Image.Image:
    image = Image.frombytes("RGB", (width, height), random.Random(7).randbytes(3 * width * height))
    return image.convert(mode)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_recognised_by_its_content(kind: str) -> None:
    assert verdict_on(picture(1, kind, 61, 47)) == Picture(Format[kind], 61, 47)


def test_a_format_has_its_media_type_and_extension() -> None:
    assert [(f.media_type, f.extension) for f in Format] == [
        ("image/jpeg", ".jpg"),
        ("image/png", ".png"),
        ("image/gif", ".gif"),
        ("image/bmp", ".bmp"),
        ("image/tiff", ".tif"),
    ]


def exif(rotation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = rotation
    return made.tobytes()


def frames(kind: str, **options: Any) -> bytes:
    more = [noise("RGB") for _ in range(3)]
    return saved(noise("RGB"), kind, save_all=True, append_images=more, **options)


UNUSUAL = {
    "progressive": saved(noise("RGB"), "JPEG", progressive=True),
    "CMYK": saved(noise("CMYK"), "JPEG"),
    "grey": saved(noise("L"), "JPEG"),
    "a large ICC profile": saved(noise("RGB"), "JPEG", icc_profile=bytes(400_000)),
    "rotated": saved(noise("RGB"), "JPEG", exif=exif(6)),
    "16 bits": saved(noise("L").convert("I;16"), "PNG"),
    "palette": saved(noise("P"), "PNG"),
    "1 bit": saved(noise("1"), "PNG"),
    "alpha": saved(noise("RGBA"), "PNG"),
    "a PNG with a large profile": saved(noise("RGB"), "PNG", icc_profile=bytes(400_000)),
    "APNG": frames("PNG"),
    "animated": frames("GIF", duration=50),
    "GIF87a": saved(noise("P"), "GIF"),
    "8-bit BMP": saved(noise("P"), "BMP"),
    "32-bit BMP": saved(noise("RGBA"), "BMP"),
    "1-bit BMP": saved(noise("1"), "BMP"),
    "several pages": frames("TIFF"),
    "LZW": saved(noise("RGB"), "TIFF", compression="tiff_lzw"),
    "JPEG in TIFF": saved(noise("RGB"), "TIFF", compression="jpeg"),
    "big": saved(noise("RGB"), "TIFF", big_tiff=True),
    "1-bit TIFF": saved(noise("1"), "TIFF", compression="group4"),
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_picture_passes(data: bytes) -> None:
    verdict = verdict_on(data)
    assert isinstance(verdict, Picture), verdict
    assert (verdict.width, verdict.height) == (61, 47)


def test_a_motorola_tiff_passes() -> None:
    fields = [(256, 3, 1, 61 << 16), (257, 4, 1, 47), (273, 4, 1, 8), (279, 4, 1, 100)]
    table = b"".join(struct.pack(">HHII", *field) for field in fields)
    data = b"MM\0*" + struct.pack(">I", 108) + bytes(100) + struct.pack(">H", 4) + table + bytes(4)
    assert verdict_on(data) == Picture(Format.TIFF, 61, 47)


def test_a_motorola_bigtiff_passes() -> None:
    fields = [(256, 16, 1, 61), (257, 16, 1, 47), (273, 16, 1, 8)]
    table = b"".join(struct.pack(">HHQQ", *field) for field in fields)
    data = b"MM\0+" + struct.pack(">HHQQ", 8, 0, 16, 3) + table + bytes(61 * 47)
    assert verdict_on(data) == Picture(Format.TIFF, 61, 47)


def test_an_os2_bitmap_passes() -> None:
    row = bytes((61 * 24 + 31) // 32 * 4)
    pixels = row * 47
    head = b"BM" + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26)
    data = head + struct.pack("<IHHHH", 12, 61, 47, 1, 24) + pixels
    assert verdict_on(data) == Picture(Format.BMP, 61, 47)


def test_a_gif_wider_than_32767_passes() -> None:
    data = bytearray(picture(1, "GIF"))
    data[6:8] = (40_000).to_bytes(2, "little")
    assert verdict_on(bytes(data)) == Picture(Format.GIF, 40_000, 30)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("junk", [bytes(5), b"\r\n", random.Random(1).randbytes(300_000)])
def test_appended_bytes_do_not_matter(kind: str, junk: bytes) -> None:
    assert isinstance(verdict_on(picture(1, kind) + junk), Picture)


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_picture_is_recognised(kind: str) -> None:
    data = picture(1, kind, 100, 100)
    for keep in (0.1, 0.5, 0.9):
        assert reason(data[: int(len(data) * keep)]).startswith(f"truncated: the {kind}")


def test_the_end_marker_of_a_thumbnail_does_not_count() -> None:
    thumbnail = picture(2)
    segment = b"\xff\xe1" + (len(thumbnail) + 8).to_bytes(2, "big") + b"Exif\0\0" + thumbnail
    whole = picture(1)
    data = whole[:2] + segment + whole[2:]
    assert isinstance(verdict_on(data), Picture)
    assert reason(data[:-2]).startswith("truncated: the JPEG has no end marker.")


def test_a_gif_is_truncated_within_a_block_but_not_by_appended_bytes() -> None:
    data = frames("GIF")
    assert isinstance(verdict_on(data + b"any junk at all"), Picture)
    assert reason(data[:-9]) == "truncated: the GIF ends before its image does"


UNSUPPORTED = {
    b"": "unfinished and unchanged for a day: the file is empty",
    b"%PDF-1.7\n...": "a PDF document, which the API",
    b"PK\3\4": "not an image: begins with 'PK\\x03\\x04'",
    b"\xffabc": "not an image: begins with '\\xffabc'",
    b"gr\xfc\xdfe": "not an image: begins with",
    "Grüße".encode() * 100: "not an image: a text file that begins with 'Grüße",
    "\ufefftext".encode("utf-16-le"): "not an image: a text file that begins with",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a": "a pointer of Git LFS",
    b"\xff\xd8\xff\xf7\0\x0b\x08\0\x2f\0\x3d\x01\1\x11\0\xff\xda\xff\xd9": "a JPEG-LS image",
    b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI\x50\0\x20\x06\0\0\0\0": "a PNG that Xcode has converted",
    bytes(5000): "unfinished and unchanged for a day: the file ends with zeros",
    bytes(5000) + b"x": "not an image: begins with zero bytes",
    b"RIFF\x10\0\0\0WEBPVP8 ": "a WebP image, which the API does not accept: convert it to",
    b"\0\0\0\x18ftypheic\0\0\0\0": "a HEIC image, which the API",
    b"\0\0\0\x18ftypavif\0\0\0\0": "an AVIF image, which the API",
    b"\0\0\0\x18ftypmp42\0\0\0\0": "a video",
    b'<?xml version="1.0"?>\n<svg xmlns="...">': "an SVG drawing, which the API",
    b"<svg>": "an SVG drawing, which the API",
    b"8BPS\0\1": "a Photoshop document, which the API",
    b"  <!DOCTYPE html><title>403": "a web page",
    b"BMW price list": "not an image: a text file that begins with 'BMW pric'",
    b"\x89PNG\r\n\x1a\n": "truncated: the PNG",
    b"\xff\xd8\xff": "truncated: the JPEG",
    b"GIF89a": "truncated: the GIF",
    b"II*\0": "truncated: the TIFF",
    b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND": "damaged: the PNG has no size in its header",
    b"\xff\xd8\xff\xda\0\0\xff\xd9": "damaged: the JPEG has no size in its header",
    b"MM\0*" + (8).to_bytes(4, "big") + bytes(6): "damaged: the TIFF has no size in its header",
}


@pytest.mark.parametrize(("data", "part"), UNSUPPORTED.items())
def test_the_reason_names_what_the_file_is(data: bytes, part: str) -> None:
    assert part in reason(data)


def tiff_of_strips(count: int) -> bytes:
    """Return a TIFF whose strips are all at its beginning."""
    fields = [(256, 4, 1, 61), (257, 4, 1, count), (273, 4, count, 100), (278, 4, 1, 1)]
    table = b"".join(struct.pack("<HHII", *field) for field in fields)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + table
    return head.ljust(100, b"\0") + b"\1\0\0\0" * count


def gif_of_codes(count: int) -> bytes:
    """Return a GIF without an end, whose codes stand for one pixel each."""
    head = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\2"
    return head + image + (b"\xff" + b"\x04\x41\x10" * 85) * (count // 255)


LONG = {
    "JPEG": b"\xff\xd8\xff\xe0\0\x10" + bytes(100_000_000) + b"\xff\xd9",
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(30_000_000) + b"x",
    "PNG chunks": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes(13))
    + chunk(b"tEXt", b"") * 2_000_000,
    "GIF": b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xff\0" * 3_000_000,
    "GIF codes": gif_of_codes(30_000_000),
    "BMP codes": bmp(b"\1\1" * 15_000_000, 40, 8, 1),
    "TIFF fields": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + b"x" * 1_000_000,
    "TIFF offset": b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 8) + b"x" * 1000,
    "TIFF strips": tiff_of_strips(7_000_000),
}


class _Observed(io.BytesIO):
    """A stream with the number of bytes that were read at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.largest = max(self.largest, len(data))
        return data


@pytest.mark.parametrize("data", LONG.values(), ids=LONG.keys())
def test_no_content_occupies_the_reader_or_the_memory_for_long(data: bytes) -> None:
    stream = _Observed(data)
    start = time.process_time()
    probe(stream, hole=False, unchanged=0.0)
    assert time.process_time() - start < 1.5
    assert stream.largest <= 4 * 2**20


def test_a_tiff_with_too_many_fields_is_damaged() -> None:
    fields = struct.pack("<HHQQ", 256, 4, 1, 61) + struct.pack("<HHQQ", 257, 4, 1, 47)
    data = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 70_000) + fields + bytes(69_998 * 20)
    assert reason(data) == "damaged: the TIFF has no size in its header"


BEGINNINGS = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
]
BEGINNINGS += [b"BM" + bytes(12) + bytes([n, 0, 0, 0]) for n in (12, 16, 40)]


@given(st.sampled_from([b"", *BEGINNINGS]), st.binary(max_size=400))
@examples(1500)
@pytest.mark.fuzz
def test_arbitrary_bytes_raise_nothing(beginning: bytes, rest: bytes) -> None:
    verdict = verdict_on(beginning + rest)
    assert isinstance(verdict, (Picture, Unsupported))
    if isinstance(verdict, Picture):
        assert verdict.width > 0
        assert verdict.height > 0


def test_the_codes_of_a_gif_may_end_before_its_last_pixels() -> None:
    data = bytearray(picture(1, "GIF", 61, 47))
    descriptor = data.index(b"\x2c" + bytes(4) + b"\x3d\0\x2f\0")
    data[8:10] = data[descriptor + 7 : descriptor + 9] = b"\x31\0"
    assert verdict_on(bytes(data)) == verdict_on(bytes(data[:-1])) == Picture(Format.GIF, 61, 49)


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


def test_an_error_of_the_disk_is_raised() -> None:
    with pytest.raises(OSError, match="Input/output"):
        probe(_Broken(b"GIF89a"), hole=False, unchanged=0.0)
