"""Pictures that Pillow does not write: other headers, and wrong length fields."""

import struct
from collections.abc import Iterator
from itertools import product
from zlib import crc32

import msgspec
from PIL import Image
from support.corpus.by_pillow import HEIGHT, WIDTH, noise, saved

ROWS = [bytes((x * y) % 7 for x in range(WIDTH)) for y in range(HEIGHT)]


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    """Return a PNG chunk; `checksum` is the right one if it is not stated."""

    found = crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return the kinds and data of a PNG's chunks."""
    found, position = [], 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind = png[position + 4 : position + 8]
        found.append((kind, png[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def png_of(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def pngs() -> Iterator[tuple[str, bytes]]:
    parts = chunks(saved(noise("RGB"), "PNG"))
    image = next(data for kind, data in parts if kind == b"IDAT")
    for size in (1, 100, 8192):
        pieces = [(b"IDAT", image[at : at + size]) for at in range(0, len(image), size)]
        yield f"IDAT chunks of {size}", png_of([parts[0], *pieces, parts[-1]])
    yield "an empty IDAT chunk", png_of([parts[0], (b"IDAT", b""), *parts[1:]])
    text = chunk(b"tEXt", b"Comment\0made by hand", checksum=1)
    data = png_of(parts)
    yield "a wrong checksum of a text", data[:33] + text + data[33:]


def jpegs() -> Iterator[tuple[str, bytes]]:
    data = saved(noise("RGB"), "JPEG")
    tables = data.index(b"\xff\xdb")
    yield "bytes between segments", data[:tables] + b"\0junk" * 99 + data[tables:]
    yield "a fill byte", data[:tables] + b"\xff" * 7 + data[tables:]
    thumbnail = saved(noise("L"), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\0\0" + thumbnail
    yield "a thumbnail", data[:2] + segment + data[2:]


def gifs() -> Iterator[tuple[str, bytes]]:
    data = saved(noise("P"), "GIF")
    yield "no trailer", data[:-1]
    yield "no terminator", data[:-2]
    yield "zeros as trailer", data[:-1] + bytes(9)
    yield "bytes instead of the trailer", data[:-1] + b"junk"
    yield "a screen without a size", data[:6] + bytes(4) + data[10:]
    yield "zeros between blocks", data[:-1] + bytes(3) + data[-1:]
    flat = saved(Image.new("P", (WIDTH, HEIGHT), 3), "GIF")
    yield "one colour, no trailer", flat[:-1]
    yield "one colour, no terminator", flat[:-2]
    single = saved(noise("RGB").quantize(2), "GIF")
    yield "two colours, no terminator", single[:-2]
    more = [noise("RGB").rotate(90)]
    yield "animated, no trailer", saved(noise("RGB"), "GIF", save_all=True, append_images=more)[:-1]


def bmp(
    pixels: bytes,
    header: int = 40,
    depth: int = 24,
    compression: int = 0,
    *,
    height: int = HEIGHT,
    stated: int = 0,
    offset: int | None = None,
) -> bytes:
    """Return a BMP with a second header of some length."""
    if header == 12:
        second = struct.pack("<IHHHH", 12, WIDTH, height, 1, depth)
    else:
        fields = struct.pack("<iiHHII", WIDTH, height, 1, depth, compression, stated)
        second = struct.pack("<I", header) + (fields + bytes(200))[: header - 4]
    masks = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF) if compression == 3 else b""
    if compression == 3 and header > 40:
        second, masks = second[:40] + masks + second[52:], b""
    palette = bytes((3 if header == 12 else 4) * 2**depth) if depth <= 8 else b""
    begin = 14 + len(second) + len(masks) + len(palette)
    first = struct.pack("<2sIHHI", b"BM", 7, 0, 0, begin if offset is None else offset)
    return first + second + masks + palette + pixels


def bmp_rows(depth: int) -> bytes:
    return (
        bytes(range(256)) * 99 if not depth else b"\5" * ((WIDTH * depth + 31) // 32 * 4 * HEIGHT)
    )


def rle(bits: int, *, end: bytes = b"\0\1") -> bytes:
    """Return rows in run-length codes: runs, and pixels as they are."""
    colour = {4: b"\x12", 8: b"\3", 24: b"\1\2\3"}[bits]
    plain = b"\0\5" + {4: b"\x11\x22\x30\0", 8: b"\1\2\3\4\5\0", 24: bytes(range(15)) + b"\0"}[bits]
    row = plain + bytes([WIDTH - 5]) + colour
    return (row + b"\0\0") * (HEIGHT - 1) + row + end


def bmps() -> Iterator[tuple[str, bytes]]:
    for depth in (1, 4, 8, 24):
        yield f"core header, {depth} bits", bmp(bmp_rows(depth), 12, depth)
    for header, depth in product((16, 24, 40, 52, 56, 64, 108, 124), (8, 24)):
        yield f"header of {header}, {depth} bits", bmp(bmp_rows(depth), header, depth)
    for header in (40, 52, 56, 108, 124):
        yield f"header of {header}, bit fields", bmp(bmp_rows(32), header, 32, 3)
    for depth in (8, 24, 32):
        data = bmp(bmp_rows(depth), depth=depth, height=-HEIGHT)
        yield f"top row first, {depth} bits", data
    yield "no position of the pixels", bmp(bmp_rows(24), offset=0)
    for bits, size in product((4, 8), (0, 5, WIDTH * HEIGHT, 10**9)):
        compression = 2 if bits == 4 else 1
        data = bmp(rle(bits), 40, bits, compression, stated=size)
        yield f"RLE{bits}, stated size {size}", data
    yield "RLE8 without an end code", bmp(rle(8, end=b""), 40, 8, 1)
    yield "RLE4 without an end code", bmp(rle(4, end=b""), 40, 4, 2)
    yield "RLE8 with jumps", bmp(b"\0\2\0\x2e\x3d\1\0\1", 40, 8, 1)
    yield "RLE8 with a jump, without an end code", bmp(b"\0\2\x2e\x2e\x0f\1", 40, 8, 1)
    yield "header of 24, RLE8", bmp(rle(8), 24, 8, 1)
    yield "RLE24", bmp(rle(24), 64, 24, 4)


SIZES = ("right", "too large", "zero", "missing")


class Tiff(msgspec.Struct, frozen=True, kw_only=True):
    """A TIFF of one byte per pixel and plane, to be written; types are those of the format."""

    order: str = "<"
    big: bool = False
    tiled: bool = False
    planes: int = 1
    size_type: int = 4
    number_type: int = 4
    sizes: str = "right"  # too large, zero, missing
    header_last: bool = False
    more: int = 0  # a field of three numbers; with `header_last` at the end of the file


LETTERS = {1: "B", 3: "H", 4: "I", 9: "i", 16: "Q", 17: "q"}


def tiff(kind: Tiff, cut: int = 0) -> bytes:
    """Return a TIFF without compression; `cut` bytes of its pixels are missing."""
    rows, side = 20, 16  # of a strip, and of a tile
    if kind.tiled:
        blocks = [b"\7" * side * side] * (-(-WIDTH // side) * -(-HEIGHT // side)) * kind.planes
    else:
        plane = [ROWS[at : at + rows] for at in range(0, HEIGHT, rows)]
        blocks = [b"".join(block) for block in plane] * kind.planes
    inline, pointer = (8, "Q") if kind.big else (4, "I")
    fields: dict[int, tuple[int, list[int]]] = {
        256: (kind.size_type, [WIDTH]),
        257: (kind.size_type, [HEIGHT]),
        258: (3, [8] * kind.planes),
        259: (3, [1]),
        262: (3, [1 if kind.planes == 1 else 2]),
        277: (3, [kind.planes]),
        284: (3, [1 if kind.planes == 1 else 2]),
    }
    if kind.more:
        fields[kind.more] = (3, [1, 1, 1])
    sizes = {
        "right": [len(block) for block in blocks],
        "too large": [len(block) + 9999 for block in blocks],
        "zero": [0] * len(blocks),
        "missing": [],
    }[kind.sizes]
    fields |= {322: (3, [side]), 323: (3, [side])} if kind.tiled else {278: (3, [rows])}
    offsets, counts = (324, 325) if kind.tiled else (273, 279)
    fields[offsets] = (kind.number_type, [0] * len(blocks))
    if sizes:
        fields[counts] = (kind.number_type, sizes)
    head = 16 if kind.big else 8
    length = (16 if kind.big else 6) + len(fields) * (20 if kind.big else 12)
    outside = sum(
        size
        for number, values in fields.values()
        if (size := struct.calcsize(LETTERS[number]) * len(values)) > inline
    )
    pixels = b"".join(blocks)
    begin = head if kind.header_last else head + length + outside
    directory = head + len(pixels) if kind.header_last else head
    position, starts = begin, []
    for block in blocks:
        starts.append(position)
        position += len(block)
    fields[offsets] = (kind.number_type, starts)
    entries, extra = b"", b""
    for tag, (number, values) in sorted(fields.items()):
        value = struct.pack(f"{kind.order}{len(values)}{LETTERS[number]}", *values)
        if len(value) > inline:
            where = struct.pack(kind.order + pointer, directory + length + len(extra))
            extra += value
            value = where
        entries += struct.pack(f"{kind.order}HH{pointer}", tag, number, len(values))
        entries += value.ljust(inline, b"\0")
    count = struct.pack(kind.order + ("Q" if kind.big else "H"), len(fields))
    table = count + entries + bytes(inline) + extra
    assert len(table) == length + outside
    mark = b"II" if kind.order == "<" else b"MM"
    if kind.big:
        first = mark + struct.pack(f"{kind.order}HHHQ", 43, 8, 0, directory)
    else:
        first = mark + struct.pack(f"{kind.order}HI", 42, directory)
    pixels = pixels[: len(pixels) - cut]
    return first + (pixels + table if kind.header_last else table + pixels)


def tiffs() -> Iterator[tuple[str, bytes]]:
    for order, big, tiled, header_last in product(
        "<>", (False, True), (False, True), (False, True)
    ):
        for sizes in ("right", "too large", "zero", "missing"):
            kind = Tiff(order=order, big=big, tiled=tiled, header_last=header_last, sizes=sizes)
            yield _name(kind), tiff(kind)
    for order, number in product("<>", (3, 4)):
        kind = Tiff(order=order, number_type=number)
        yield _name(kind), tiff(kind)
    for order, number in product("<>", (1, 3, 4, 9, 16, 17)):
        kind = Tiff(order=order, size_type=number, big=True, number_type=16)
        yield _name(kind), tiff(kind)
    for order, tiled in product("<>", (False, True)):
        kind = Tiff(order=order, planes=3, tiled=tiled)
        yield _name(kind), tiff(kind)
    yield "the end is within the transfer function", tiff(Tiff(header_last=True, more=301))[:-1]


def _name(kind: Tiff) -> str:
    usual = msgspec.structs.asdict(Tiff())
    values = msgspec.structs.asdict(kind)
    return ", ".join(f"{key} {values[key]}" for key in usual if values[key] != usual[key])
