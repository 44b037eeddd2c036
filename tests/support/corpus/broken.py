"""Files that cost no call: damaged pictures, by the reason that they deserve."""

import struct
from collections.abc import Iterator

from support.corpus.by_hand import Tiff, bmp, bmp_rows, chunks, png_of, rle, tiff
from support.corpus.by_pillow import noise, saved


def _cut() -> Iterator[tuple[str, str, bytes]]:
    for name in ("JPEG", "PNG", "GIF", "BMP", "TIFF"):
        data = saved(noise("RGB"), name)
        for part in (0.2, 0.5, 0.8, 0.95):
            yield f"truncated: the {name}", f"{name}: {part} of it", data[: int(len(data) * part)]
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        data = saved(noise("RGB"), "TIFF", compression=compression)
        yield "truncated: the TIFF", f"{compression}, {len(data)}", data[:-200]
    more = [noise("RGB").rotate(90)]
    data = saved(noise("RGB"), "GIF", save_all=True, append_images=more)
    yield "truncated: the GIF", "within the second image", data[:-500]
    control = data.rindex(b"\x21\xf9")
    yield "truncated: the GIF", "before the second image", data[: control + 8]
    single = saved(noise("P"), "GIF")
    yield "truncated: the GIF", "before the last codes", single[:-6]
    yield "truncated: the GIF", "within the last block, after the last pixel", single[:-3]
    yield "truncated: the GIF", "the last bytes are zeros", single[:-300] + bytes(300)
    yield "truncated: the JPEG", "no end marker", saved(noise("RGB"), "JPEG")[:-2]
    for bits, code in ((8, 1), (4, 2)):
        data = bmp(rle(bits)[:-20], 40, bits, code)
        yield "truncated: the BMP", f"RLE{bits} before the last row", data
    yield "truncated: the BMP", "RLE24", bmp(rle(24)[:-40], 64, 24, 4)
    for header in (12, 16, 40, 64, 124):
        data = bmp(bmp_rows(24)[:-200], header)
        yield "truncated: the BMP", f"the last row, header of {header}", data
    for depth, missing in ((8, 3), (24, 1)):
        data = bmp(bmp_rows(depth)[:-missing], depth=depth)
        yield "truncated: the BMP", f"the padding of the last row, {depth} bits", data
    data = bmp(bmp_rows(24)[:-200], height=-47)
    yield "truncated: the BMP", "the last row, top row first", data
    for tag in (280, 281, 338, 339, 340, 341):
        data = tiff(Tiff(header_last=True, more=tag))[:-1]
        yield "truncated: the TIFF", f"within the field {tag}", data
    for order in "<>":
        for tiled in (False, True):
            for sizes in ("right", "too large", "zero", "missing"):
                kind = Tiff(order=order, tiled=tiled, sizes=sizes)
                name = f"{order} tiled {tiled} sizes {sizes}"
                yield "truncated: the TIFF", name, tiff(kind, cut=200)


def _bmps() -> Iterator[tuple[str, str, bytes]]:
    rows, codes = bmp_rows(24), rle(8, end=b"")
    last = codes[:-10]  # the codes before those of the last row
    for name, data in {
        "no bytes after the header": bmp(b"", compression=4),
        "the last row, no position of the pixels": bmp(rows[:-50], offset=0),
        "the last row, bit fields": bmp(bmp_rows(32)[:-50], 40, 32, 3),
        "RLE8 without the last row": bmp(last, 40, 8, 1),
        "RLE8 within the last row's pixels": bmp(last + b"\0\x3d\1\2", 40, 8, 1),
        "RLE24, a colour like an end code": bmp(b"\x3d\0\0\1", 64, 24, 4),
        "RLE8 within a jump": bmp(b"\0\2", 40, 8, 1),
        "RLE8 within a jump's numbers": bmp(b"\0\2\5", 40, 8, 1),
        "RLE8 without the last row, top row first": bmp(last, 40, 8, 1, height=-47),
        "the last row, bit fields with alpha": bmp(bmp_rows(32)[:-50], 40, 32, 6),
    }.items():
        yield "truncated: the BMP", name, data
    yield "damaged: the BMP has no size", "BMP", bmp(rows, height=0)
    yield "damaged: the BMP has no size", "no columns", bmp(rows)[:18] + bytes(4) + bmp(rows)[22:]
    yield "not an image: a text file", "text that begins with BM", b"BMW price list of the year\n"


def _pngs() -> Iterator[tuple[str, str, bytes]]:
    parts = chunks(saved(noise("P"), "PNG"))
    whole = png_of(parts)
    position = 8
    for kind, data in parts:
        end = position + 12 + len(data)
        wrong = bytearray(whole)
        wrong[end - 1] ^= 1
        reason = f"damaged: the checksum of a PNG chunk is wrong ({kind.decode()})"
        yield reason, f"checksum of {kind.decode()}", bytes(wrong)
        if data:
            wrong = bytearray(whole)
            wrong[position + 8 + len(data) // 2] ^= 1
            yield reason, f"data of {kind.decode()}", bytes(wrong)
        position = end
    begin = whole.index(b"IDAT") + 4
    zeros = whole[: begin + 200] + bytes(600) + whole[begin + 800 :]
    yield "damaged: the checksum of a PNG chunk is wrong (IDAT)", "zeros inside", zeros
    without = [part for part in parts if part[0] != b"IDAT"]
    yield "damaged: the PNG has no image data", "no IDAT", png_of(without)
    yield (
        "damaged: the PNG has no image data",
        "an empty IDAT",
        png_of([*without[:-1], (b"IDAT", b""), without[-1]]),
    )
    yield "truncated: the PNG", "no end chunk", whole[:-12]
    yield "truncated: the PNG", "within the end chunk", whole[:-3]
    cgbi = [(b"CgBI", b"\x50\0\x20\x06"), *parts]
    yield "a PNG that Xcode has converted", "CgBI", png_of(cgbi)
    yield "damaged: the PNG has no size", "no IHDR", png_of(parts[1:])
    yield (
        "damaged: the PNG has no size",
        "0 pixels",
        png_of([(b"IHDR", bytes(4) + parts[0][1][4:]), *parts[1:]]),
    )
    yield (
        "damaged: the PNG has bytes between",
        "bytes between chunks",
        (whole[:33] + bytes(20) + whole[33:]),
    )


def _others() -> Iterator[tuple[str, str, bytes]]:
    jpeg = saved(noise("RGB"), "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    yield "a JPEG-LS image", "JPEG-LS", jpeg[:frame] + b"\xff\xf7" + jpeg[frame + 2 :]
    size = struct.pack(">HH", 0, 0)
    yield "damaged: the JPEG has no size", "0 pixels", jpeg[: frame + 5] + size + jpeg[frame + 9 :]
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    yield "not an image: a pointer of Git LFS", "Git LFS", pointer
    yield "not an image: a text file", "text", b"The picture is on the other server.\n"
    yield "not an image: a text file", "UTF-8", "Größe: 47 × 61".encode() * 40
    yield "not an image: a text file", "UTF-16", "text".encode("utf-16")
    yield "not an image: a text file", "JSON", b'{"error": 404}'
    yield "not an image: a web page", "HTML", b"<!DOCTYPE html><title>404</title>"
    yield "a PDF document", "PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    yield "a WebP image", "WebP", saved(noise("RGB"), "WEBP")
    yield "an AVIF image", "AVIF", b"\0\0\0\x1cftypavif" + bytes(16)
    yield "a JPEG 2000 image", "JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"
    yield "a bitmap without its file header", "DIB", bmp(bmp_rows(24))[14:]
    yield "a Windows icon", "icon", saved(noise("RGB"), "ICO", sizes=[(16, 16)])
    yield "damaged: the GIF contains no image", "GIF", b"GIF89a\1\0\1\0\0\0\0;"


BROKEN: dict[tuple[str, str], bytes] = {
    (reason, name): data
    for files in (_cut(), _bmps(), _pngs(), _others())
    for reason, name, data in files
}
"""Files by the beginning of the reason, and what is wrong."""
