"""Small pictures of files that are damaged, huge, missing or on a disk that hangs."""

import asyncio
import os
import random
import subprocess
import sys
import threading
import zlib
from io import BytesIO
from pathlib import Path
from struct import pack

import msgspec
import pytest
from PIL import Image
from support.faulty_disk import faulty_disk
from support.rig import until
from support.web_library import picture

from syncd.ledger.library import SourceFile
from syncd.web.search_form import FORMATS
from syncd.web.slots import Slots
from syncd.web.thumbnails import Thumbnails, picture_of

SIDE = 32


def png(width: int, height: int, bits: int, kind: int, line: int) -> bytes:
    """Return a PNG whose rows have `line` bytes, all 0."""

    def chunk(name: bytes, content: bytes) -> bytes:
        whole = name + content
        return pack(">I", len(content)) + whole + pack(">I", zlib.crc32(whole))

    head = pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(bytes(line + 1)) for _ in range(height)) + packer.flush()
    parts = chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def written(file: Path, content: bytes) -> SourceFile:
    file.write_bytes(content)
    return source(file)


def source(file: Path) -> SourceFile:
    found = file.stat()
    return SourceFile(
        root=bytes(file.parent),
        directory=b"",
        name=os.fsencode(file.name),
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
    )


def test_a_picture_with_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    bomb = png(20_000, 20_000, bits=1, kind=0, line=2_500)
    assert picture_of([written(tmp_path / "bomb.png", bomb)], SIDE) is None


PEAK = r"""
import asyncio, re, sys
from syncd.ledger.library import SourceFile
from syncd.web.thumbnails import Thumbnails
import msgspec
source = msgspec.json.decode(sys.stdin.buffer.read(), type=SourceFile)
async def main():
    made = Thumbnails()
    found = await asyncio.gather(*(made.make(bytes([n]), 32, [source]) for n in range(3)))
    assert all(found)
    # Not `ru_maxrss`, in which a process begins with the memory of the one that starts it.
    print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024)
asyncio.run(main())
"""


def test_large_pictures_at_once_need_a_limited_amount_of_memory(tmp_path: Path) -> None:
    large = written(tmp_path / "large.png", png(7_000, 7_000, bits=8, kind=6, line=28_000))
    ended = subprocess.run(
        [sys.executable, "-c", PEAK],
        input=msgspec.json.encode(large),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 500, "MiB; the unit of syncd web allows 1 GiB"


def test_damaged_files_have_no_picture_and_no_error(tmp_path: Path) -> None:
    chance = random.Random(7)
    file = tmp_path / "file"
    for form in FORMATS:
        out = BytesIO()
        Image.new("P" if form == "GIF" else "RGB", (64, 48), 7).save(out, form)
        for _ in range(60):
            content = bytearray(out.getvalue())
            for _ in range(chance.randrange(1, 9)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            end = chance.choice([len(content), chance.randrange(len(content))])
            picture_of([written(file, bytes(content[:end]))], SIDE)
    assert picture_of([written(file, b"")], SIDE) is None
    assert picture_of([written(file, b"\x89PNG\r\n\x1a\n")], SIDE) is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_each_kind_of_pixels_has_a_picture(tmp_path: Path, mode: str) -> None:
    form = "TIFF" if mode == "CMYK" else "PNG"
    out = BytesIO()
    Image.new("L", (90, 60), 99).convert(mode).save(out, form)
    made = picture_of([written(tmp_path / form, out.getvalue())], SIDE)
    assert made is not None
    assert Image.open(BytesIO(made)).size == (32, 21)


def test_something_else_at_the_path_of_a_file_has_no_picture(tmp_path: Path) -> None:
    before = written(tmp_path / "a.png", picture(1, (9, 9)))
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    assert picture_of([before, source(tmp_path / "a.png")], SIDE) is None
    (tmp_path / "a.png").unlink()
    (tmp_path / "a.png").mkdir()
    assert picture_of([before, source(tmp_path / "a.png")], SIDE) is None


async def test_a_disk_that_hangs_delays_only_the_pictures_of_its_folder(tmp_path: Path) -> None:
    mounted, local = tmp_path / "mounted", tmp_path / "local"
    mounted.mkdir()
    local.mkdir()
    near = written(local / "a.png", picture(1, (9, 9)))
    with faulty_disk(mounted) as there:
        far = written(mounted / "a.png", picture(2, (9, 9)))
        pictures = Thumbnails(patience=0.1)
        there.hang()
        late = [pictures.make(bytes([n]), SIDE, [far]) for n in range(3)]
        assert await asyncio.gather(*late) == [None] * 3
        held = there.waiting
        assert [await pictures.make(b"far", SIDE, [far]) for _ in range(9)] == [None] * 9
        assert there.waiting == held, "no further read was begun"
        assert await pictures.make(b"near", SIDE, [far, near])
        there.recover()
        await until(lambda: pictures.kept(bytes([0]), SIDE) is not None)
        assert await pictures.make(b"far", SIDE, [far])
        pictures.close()


async def test_the_pictures_that_are_kept_have_a_limited_size(tmp_path: Path) -> None:
    pictures = Thumbnails(cache=600)
    for number in range(30):
        file = written(tmp_path / f"{number}.png", picture(number, (40, 40)))
        made = await pictures.make(bytes([number]), SIDE, [file])
        assert made is not None
        assert pictures.kept(bytes([number]), SIDE) == made
        assert pictures.size <= 600
    assert pictures.kept(bytes([0]), SIDE) is None
    pictures.close()


async def test_requests_that_have_ended_keep_their_slots_until_their_work_ends() -> None:
    slots, go, at_once = Slots("test", 2, 60.0), threading.Event(), []

    def work() -> int:
        at_once.append(1)
        go.wait(20)
        return at_once.pop()

    requests = [asyncio.create_task(slots.run(work)) for _ in range(8)]
    await until(lambda: len(at_once) == 2)
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    later = [asyncio.create_task(slots.run(work)) for _ in range(8)]
    await asyncio.wait(later, timeout=0.05)
    assert len(at_once) == 2
    go.set()
    assert await asyncio.gather(*later) == [1] * 8
    slots.close()
