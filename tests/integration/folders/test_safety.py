"""The safeguard of a folder while several of its scans run at once, or directories are moved."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig

from syncd.daemon.credentials import opener
from syncd.daemon.runtime import Runtime, open_runtime
from syncd.folders.scanning.scanner import FolderScanner
from syncd.folders.watching.targets import ScanTarget
from syncd.ledger import folders, replicas
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash
from syncd.sandbox.server import Sandbox

STAYS, THEIRS, LATE = picture(1), picture(2), picture(3)
ROOT_ONLY = [ScanTarget(b"", deep=False)]


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return Rig(tmp_path, sandbox, per_folder='deletions = "propagate"')


@pytest.fixture
async def runtime(rig: Rig) -> AsyncIterator[Runtime]:
    """A runtime that reads files, but scans and concludes only when the test does."""
    config = rig.config()
    async with open_runtime(config, opener(config, rig.environ, lambda _: None)) as opened:
        reading = asyncio.create_task(opened.disk.intake.run())
        yield opened
        reading.cancel()
        await asyncio.wait({reading})


def scanner_of(runtime: Runtime) -> FolderScanner:
    (monitor,) = runtime.disk.monitors.values()
    return monitor.scanner


async def conclude(runtime: Runtime) -> None:
    await runtime.disk.intake.quiet()
    await runtime.disk.conclude()


async def hold(runtime: Runtime, *contents: bytes) -> None:
    """Record the images as held by the account."""
    digests = [Digest(sha256(content).digest()) for content in contents]
    held = [(digest, Entry(hash=ImageHash(digest.hex()))) for digest in digests]
    await runtime.ledger.write(replicas.record_held(AccountId("1"), held, 1.0))


async def swap_for_a_while(rig: Rig, runtime: Runtime) -> None:
    """Let a scan record a file of another directory at the folder's path, and swap it back."""
    for number in range(10, 14):  # so that the other directory does not match half of the files
        rig.write(f"{number}.jpg", picture(number))
    rig.write("stays.jpg", STAYS)
    scanner = scanner_of(runtime)
    await scanner.scan_all()
    await conclude(runtime)
    other, aside = rig.path / "other", rig.path / "aside"
    other.mkdir()
    (other / "theirs.jpg").write_bytes(THEIRS)
    rig.folder.rename(aside)
    other.rename(rig.folder)
    await scanner.scan_all()
    await conclude(runtime)
    await hold(runtime, STAYS, THEIRS)
    assert (str(rig.folder / "theirs.jpg"),) in rig.rows("SELECT file FROM files")
    rig.folder.rename(other)
    aside.rename(rig.folder)


@pytest.mark.parametrize("second", ["whole", "root"])
async def test_two_scans_at_once_delete_no_file_of_another_directory(
    rig: Rig, runtime: Runtime, second: str
) -> None:
    """The second begins before the first has ended the suspicion, and ends after it."""
    await swap_for_a_while(rig, runtime)
    scanner = scanner_of(runtime)
    await scanner.scan_all()
    if second == "whole":
        await scanner.scan_all()
    else:
        await scanner.scan(ROOT_ONLY, fresh=True)
    await conclude(runtime)
    assert rig.rows("SELECT suspect FROM baseline") == [(None,)]
    await scanner.scan_all()
    await conclude(runtime)
    assert (str(rig.folder / "theirs.jpg"),) not in rig.rows("SELECT file FROM files")
    assert rig.rows("SELECT * FROM deletion") == []
    assert rig.rows("SELECT path, reason FROM kept") == [(b"theirs.jpg", "suspect")]


async def test_a_scan_that_began_before_the_operator_trusted_a_folder_does_not_undo_that(
    rig: Rig, runtime: Runtime
) -> None:
    rig.write("stays.jpg", STAYS)
    replaced = rig.write("theirs.jpg", THEIRS)
    scanner = scanner_of(runtime)
    await scanner.scan_all()
    await conclude(runtime)
    await hold(runtime, STAYS, THEIRS)
    replaced.unlink()
    replaced.symlink_to("/nowhere")
    await scanner.scan_all()
    await conclude(runtime)
    assert rig.rows("SELECT event FROM alert") == [("files.kept",)]
    await scanner.scan_all()
    assert await runtime.ledger.write(folders.accept(FolderName("spring")))
    await conclude(runtime)
    assert rig.rows("SELECT event FROM alert") == [("files.kept",)]
    await scanner.scan_all()
    await conclude(runtime)
    assert rig.rows("SELECT event FROM alert") == []
    assert rig.rows("SELECT path, reason FROM kept") == [(b"theirs.jpg", "suspect")]


async def test_a_scan_proves_nothing_if_another_one_meets_another_directory_meanwhile(
    rig: Rig, runtime: Runtime
) -> None:
    """The folder was suspect for the same reason before."""
    await swap_for_a_while(rig, runtime)
    scanner = scanner_of(runtime)
    await scanner.scan_all()
    other, aside = rig.path / "other", rig.path / "aside"
    rig.folder.rename(aside)
    other.rename(rig.folder)
    (rig.folder / "late.jpg").write_bytes(LATE)
    await scanner.scan(ROOT_ONLY, fresh=True)
    await runtime.disk.intake.quiet()
    await hold(runtime, LATE)
    rig.folder.rename(other)
    aside.rename(rig.folder)
    for _ in range(2):
        await conclude(runtime)
        await scanner.scan_all()
    await conclude(runtime)
    assert rig.rows("SELECT suspect FROM baseline") == [(None,)]
    assert rig.rows("SELECT * FROM deletion") == []
    assert (b"late.jpg", "suspect") in rig.rows("SELECT path, reason FROM kept")


async def test_a_file_that_two_scans_miss_is_deleted_once(rig: Rig, runtime: Runtime) -> None:
    rig.write("stays.jpg", STAYS)
    gone = rig.write("below/gone.jpg", THEIRS)
    scanner = scanner_of(runtime)
    await scanner.scan_all()
    await conclude(runtime)
    await hold(runtime, STAYS, THEIRS)
    gone.unlink()
    gone.parent.rmdir()
    await scanner.scan_all()
    await scanner.scan(ROOT_ONLY, fresh=True)
    await conclude(runtime)
    assert rig.rows("SELECT path FROM deletion") == [(b"below/gone.jpg",)]
    assert rig.rows("SELECT * FROM missed") == []


async def scan(runtime: Runtime) -> None:
    await scanner_of(runtime).scan_all()
    await conclude(runtime)


def kept(rig: Rig) -> bool:
    return bool(rig.rows("SELECT 1 FROM alert WHERE event = 'files.kept'"))


def condemned(rig: Rig) -> set[bytes]:
    return {
        sha256
        for (sha256,) in rig.rows("SELECT sha256 FROM deletion JOIN image ON image.id = image_id")
    }


def move(folder: Path) -> None:
    (folder / "a").rename(folder / "d")
    (folder / "a").mkdir()


def move_into_its_successor(folder: Path) -> None:
    move(folder)
    (folder / "d").rename(folder / "a" / "d")


def move_another_to_its_name(folder: Path) -> None:
    (folder / "a").rename(folder / "d")
    (folder / "c").rename(folder / "a")


def exchange(folder: Path) -> None:
    move_another_to_its_name(folder)
    (folder / "d").rename(folder / "c")


def move_and_delete_one(folder: Path) -> None:
    move(folder)
    (folder / "d" / "1.jpg").unlink()


def move_both_levels(folder: Path) -> None:
    """The upper directory goes to one place, and the lower one to another."""
    (folder / "a" / "below").rename(folder / "e")
    move(folder)
    (folder / "a" / "below").mkdir()


def move_one_without_files(folder: Path) -> None:
    (folder / "b").rename(folder / "e")
    (folder / "b").mkdir()


MOVES = [
    move_one_without_files,
    move,
    move_into_its_successor,
    move_another_to_its_name,
    exchange,
    move_and_delete_one,
    move_both_levels,
]


def fill(rig: Rig) -> list[bytes]:
    """Write images into a, which another directory will replace, into c, and at the root."""
    names = [
        "a/1.jpg",
        "a/2.jpg",
        "a/below/3.jpg",
        "a/below/4.jpg",
        "c/5.jpg",
        "b/below/6.jpg",
        "7.jpg",
    ]
    contents = {name: picture(20 + number) for number, name in enumerate(names)}
    for name, content in contents.items():
        rig.write(name, content)
    return list(contents.values())


@pytest.mark.parametrize("change", MOVES, ids=lambda function: function.__name__)
async def test_deletions_are_found_where_a_directory_was_moved_and_replaced(
    rig: Rig, runtime: Runtime, change: Callable[[Path], None]
) -> None:
    contents = fill(rig)
    await scan(runtime)
    await scan(runtime)  # it records the directories that only have directories
    await hold(runtime, *contents, LATE)
    change(rig.folder)
    rig.write("a/late.jpg", LATE)
    await scan(runtime)
    assert not kept(rig)
    on_disk = {sha256(path.read_bytes()).digest() for path in rig.folder.rglob("*.jpg")}
    every = {sha256(content).digest() for content in [*contents, LATE]}
    assert condemned(rig) == every - on_disk
    await scan(runtime)
    for path in rig.folder.rglob("*.jpg"):
        if path.name != "7.jpg":
            path.unlink()
    await hold(runtime, LATE)
    await scan(runtime)
    assert not kept(rig)
    assert condemned(rig) == every - {sha256(contents[-1]).digest()}


@pytest.mark.parametrize("change", MOVES, ids=lambda function: function.__name__)
async def test_a_name_that_is_kept_elsewhere_does_not_keep_those_of_a_moved_directory(
    rig: Rig, runtime: Runtime, change: Callable[[Path], None]
) -> None:
    contents = fill(rig)
    linked = rig.write("linked.jpg", STAYS)
    await scan(runtime)
    await scan(runtime)
    await hold(runtime, *contents, STAYS, LATE)
    linked.unlink()
    linked.symlink_to("/nowhere")
    change(rig.folder)
    rig.write("a/late.jpg", LATE)
    for _ in range(2):
        await scan(runtime)
        assert kept(rig)
    await hold(runtime, LATE)
    (rig.folder / "a" / "late.jpg").unlink()
    await scan(runtime)
    assert sha256(LATE).digest() in condemned(rig)
    assert sha256(STAYS).digest() not in condemned(rig)


def move_out(folder: Path) -> None:
    (folder / "a").rename(folder.parent / "outside")
    (folder / "a").mkdir()


def replace_by_a_copy(folder: Path) -> None:
    """A backup is restored at another path, and half of it at the path of the directory."""
    shutil.copytree(folder / "a", folder / "d")
    move_out(folder)


def delete_and_create(folder: Path) -> None:
    """The inode number is then free for the next directory."""
    shutil.rmtree(folder / "a")
    (folder / "d").mkdir()
    (folder / "d" / "1.jpg").write_bytes(picture(20))
    (folder / "a").mkdir()


def move_and_put_a_link_there(folder: Path) -> None:
    (folder / "a").rename(folder.parent / "outside")
    (folder / "d").symlink_to(folder.parent / "outside")
    (folder / "a").mkdir()


@pytest.mark.parametrize(
    "change",
    [move_out, replace_by_a_copy, delete_and_create, move_and_put_a_link_there],
    ids=lambda function: function.__name__,
)
async def test_a_directory_that_is_nowhere_in_the_folder_loses_no_image(
    rig: Rig, runtime: Runtime, change: Callable[[Path], None]
) -> None:
    contents = fill(rig)
    await scan(runtime)
    await scan(runtime)  # it records the directories that only have directories
    await hold(runtime, *contents)
    change(rig.folder)
    for _ in range(3):
        rig.write("a/late.jpg", LATE)
        await scan(runtime)
        assert kept(rig)
    assert condemned(rig) == set()


async def test_a_directory_that_left_both_paths_where_it_was_loses_no_image(
    rig: Rig, runtime: Runtime
) -> None:
    """A scan of its new path alone has recorded it twice."""
    contents = fill(rig)
    await scan(runtime)
    await hold(runtime, *contents)
    (rig.folder / "a").rename(rig.folder / "d")
    await scanner_of(runtime).scan([ScanTarget(b"d", deep=True)], fresh=True)
    await conclude(runtime)
    (rig.folder / "d").rename(rig.path / "outside")
    for path in ("a", "d"):
        (rig.folder / path).mkdir()
    for _ in range(2):
        await scan(runtime)
        assert kept(rig)
    assert condemned(rig) == set()
