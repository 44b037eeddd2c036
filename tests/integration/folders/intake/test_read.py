"""Reading one file, on a real disk."""

import hashlib
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import picture

from syncd.folders.intake.read import MAX_SIZE, READ_AT_ONCE, Reader, Reading
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import list_directory
from syncd.images.probe import Format, Picture, Unsupported
from syncd.images.unfinished import Unfinished
from syncd.model import Stat


def nothing() -> None:
    pass


def digest_file(root: bytes, path: bytes, progress: Callable[[], None] = nothing) -> Reading:
    with Reader(progress) as reader:
        return reader.digest(root, path)


def read_image(
    root: bytes, path: bytes, expected: Stat, progress: Callable[[], None] = nothing
) -> bytes | None:
    with Reader(progress) as reader:
        return reader.read(root, path, expected)


def stat_in(root: Path, name: bytes) -> Stat:
    return list_directory(os.fsencode(root), b"", Patterns(["*"], [])).files[name]


def after_the_first_piece(action: Callable[[], None]) -> Callable[[], None]:
    """Return a `progress` that acts once the file is open and a piece of it was read."""
    calls: list[None] = []

    def progress() -> None:
        calls.append(None)
        if len(calls) == 2:
            action()

    return progress


@pytest.mark.parametrize("padding", [0, READ_AT_ONCE + 1], ids=["at once", "streamed"])
def test_a_reading_has_the_digest_size_stat_and_verdict(tmp_path: Path, padding: int) -> None:
    data = picture(1) + b"x" * padding
    (tmp_path / "a.jpg").write_bytes(data)
    reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
    assert reading.digest == hashlib.sha256(data).digest()
    assert reading.size == len(data)
    assert reading.verdict == Picture(Format.JPEG, 40, 30)
    assert reading.stat_before == reading.stat_after == stat_in(tmp_path, b"a.jpg")


def test_a_file_above_the_largest_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(MAX_SIZE + 1)
    pieces: list[None] = []
    with pytest.raises(Unreadable, match="too large: 134,217,729 bytes"):
        digest_file(os.fsencode(tmp_path), b"a.jpg", lambda: pieces.append(None))
    assert len(pieces) == 1  # the call before the file is opened


def test_a_large_file_takes_as_little_memory_as_a_small_one(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(picture(1))
        file.truncate(MAX_SIZE)
    tracemalloc.start()
    try:
        reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.size == MAX_SIZE
    assert peak < 4 * 2**20


def test_a_file_that_is_not_a_picture_is_digested_too(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
    assert reading.digest == hashlib.sha256(b"").digest()
    assert reading.verdict is Unfinished.EMPTY


def write_with_hole(path: Path, data: bytes, size: int) -> None:
    """Write the beginning of `data` and its end, so that the file is as large as `size`."""
    with path.open("wb") as file:
        file.write(data[:100])
        file.truncate(size)
        file.seek(size - 5000)
        file.write(data[-5000:])


@pytest.mark.parametrize("size", [200_000, READ_AT_ONCE + 1], ids=["at once", "streamed"])
def test_a_file_with_a_hole_is_unfinished_until_the_next_day(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.png"
    write_with_hole(path, picture(1, "PNG", 400, 300), size)
    reading = digest_file(os.fsencode(tmp_path), b"a.png")
    assert reading.verdict is Unfinished.HOLE
    assert reading.digest == hashlib.sha256(path.read_bytes()).digest()
    with Reader(clock=lambda: time.time_ns() + 86_401 * 10**9) as reader:
        verdict = reader.digest(os.fsencode(tmp_path), b"a.png").verdict
    assert verdict == Unsupported(f"unfinished and unchanged for a day: {Unfinished.HOLE.reason}")


@pytest.mark.parametrize("size", [200_000, READ_AT_ONCE + 1], ids=["at once", "streamed"])
def test_the_space_that_a_stalled_copy_has_reserved_is_a_hole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
        file.write(picture(1, "PNG"))
    assert isinstance(digest_file(os.fsencode(tmp_path), b"a.png").verdict, Unfinished)


def test_a_black_bitmap_with_a_hole_is_a_picture_after_an_hour(tmp_path: Path) -> None:
    black = bytearray(picture(1, "BMP", 400, 300))
    black[100:-5000] = bytes(len(black) - 5100)
    write_with_hole(tmp_path / "a.bmp", bytes(black), len(black))
    assert digest_file(os.fsencode(tmp_path), b"a.bmp").verdict is Unfinished.HOLE
    with Reader(clock=lambda: time.time_ns() + 3601 * 10**9) as reader:
        verdict = reader.digest(os.fsencode(tmp_path), b"a.bmp").verdict
    assert verdict == Picture(Format.BMP, 400, 300)


def test_a_file_that_was_never_on_a_disk_has_no_hole() -> None:
    with Reader() as reader:  # a file system without holes, whose files have no size
        assert reader.digest(b"/proc/self", b"status").verdict is Unfinished.EMPTY


@pytest.mark.parametrize("padding", [0, READ_AT_ONCE + 1], ids=["at once", "streamed"])
def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, padding: int) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1) + bytes(padding))

    def append() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    reading = digest_file(os.fsencode(tmp_path), b"a.jpg", after_the_first_piece(append))
    assert reading.stat_before != reading.stat_after


def test_the_bytes_of_a_file_that_changes_while_it_is_read_are_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))
    expected = stat_in(tmp_path, b"a.jpg")

    def overwrite() -> None:
        with path.open("r+b") as file:
            file.write(b"other")

    progress = after_the_first_piece(overwrite)
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected, progress) is None


def test_a_link_is_read_inside_the_folder_and_not_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub/real").write_bytes(picture(1))
    (tmp_path / "out").write_bytes(picture(2))
    (root / "in.jpg").symlink_to("sub/real")
    (root / "out.jpg").symlink_to("../out")
    (root / "linked").symlink_to("sub")
    reading = digest_file(os.fsencode(root), b"in.jpg")
    assert reading.digest == hashlib.sha256(picture(1)).digest()
    assert reading.stat_after == stat_in(root, b"in.jpg")
    for path in (b"out.jpg", b"linked/real"):
        with pytest.raises(Unreadable) as raised:
            digest_file(os.fsencode(root), path)
        assert raised.value.gone


@pytest.mark.timeout(10)
def test_a_file_that_was_replaced_by_something_else_is_gone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "dir.jpg").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"fifo.jpg", b"dir.jpg", b"none.jpg", b"none/a.jpg", b"fifo.jpg/a.jpg"):
        with pytest.raises(Unreadable) as raised:
            digest_file(os.fsencode(tmp_path), path)
        assert raised.value.gone, path
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_bytes_to_send_are_those_of_the_expected_version(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))
    expected = stat_in(tmp_path, b"a.jpg")
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected) == picture(1)
    path.write_bytes(picture(2))
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected) is None
    path.unlink()
    with pytest.raises(Unreadable, match="no such file") as raised:
        read_image(os.fsencode(tmp_path), b"a.jpg", expected)
    assert raised.value.gone
