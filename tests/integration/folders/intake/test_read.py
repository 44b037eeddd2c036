"""Reading one file, on a real disk."""

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest
from support.pictures import picture

from syncd.folders.intake import read
from syncd.folders.intake.read import READ_AT_ONCE, Reader, Reading
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import list_directory
from syncd.images.probe import Format, Picture, Unsupported
from syncd.model import Stat


def digest_file(root: bytes, path: bytes) -> Reading:
    with Reader() as reader:
        return reader.digest(root, path)


def read_image(root: bytes, path: bytes, expected: Stat) -> bytes | None:
    with Reader() as reader:
        return reader.read(root, path, expected)


def stat_in(root: Path, name: bytes) -> Stat:
    return list_directory(os.fsencode(root), b"", Patterns(["*"], [])).files[name]


@pytest.mark.parametrize("padding", [0, READ_AT_ONCE + 1], ids=["at once", "streamed"])
def test_a_reading_is_the_files_digest_size_stat_and_verdict(tmp_path: Path, padding: int) -> None:
    data = picture(1) + bytes(padding)
    (tmp_path / "a.jpg").write_bytes(data)
    reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
    assert reading.digest == hashlib.sha256(data).digest()
    assert reading.size == len(data)
    assert reading.verdict == Picture(Format.JPEG, 40, 30)
    assert reading.stat_before == reading.stat_after == stat_in(tmp_path, b"a.jpg")


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(picture(1))
        file.truncate(200 * 2**20)
    tracemalloc.start()
    try:
        reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.size == 200 * 2**20
    assert peak < 4 * 2**20


def test_what_is_no_picture_is_digested_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
    assert reading.digest == hashlib.sha256(b"").digest()
    assert reading.verdict == Unsupported("empty file")


def test_a_file_that_moves_while_it_is_read_is_seen_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))

    def growing(stream: object) -> Unsupported:
        with path.open("ab") as file:
            file.write(b"more")
        return Unsupported("half")

    monkeypatch.setattr(read, "probe", growing)
    reading = digest_file(os.fsencode(tmp_path), b"a.jpg")
    assert reading.stat_before != reading.stat_after


def test_no_bytes_are_sent_of_a_file_that_moves_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))
    expected = stat_in(tmp_path, b"a.jpg")

    def overwritten(file: object, size: int) -> bytes:
        with path.open("r+b") as other:
            other.write(b"other")
        return picture(1)

    monkeypatch.setattr(read, "_read", overwritten)
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected) is None


def test_a_link_inside_is_read_one_that_leads_out_is_not(tmp_path: Path) -> None:
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
        with pytest.raises(Unreadable) as told:
            digest_file(os.fsencode(root), path)
        assert told.value.gone


@pytest.mark.timeout(10)
def test_what_was_swapped_for_no_regular_file_is_gone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "dir.jpg").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"fifo.jpg", b"dir.jpg", b"none.jpg", b"none/a.jpg", b"fifo.jpg/a.jpg"):
        with pytest.raises(Unreadable) as told:
            digest_file(os.fsencode(tmp_path), path)
        assert told.value.gone, path
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_bytes_to_send_are_those_of_the_expected_version(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1))
    expected = stat_in(tmp_path, b"a.jpg")
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected) == picture(1)
    path.write_bytes(picture(2))
    assert read_image(os.fsencode(tmp_path), b"a.jpg", expected) is None
    path.unlink()
    with pytest.raises(Unreadable, match="no such file") as told:
        read_image(os.fsencode(tmp_path), b"a.jpg", expected)
    assert told.value.gone
