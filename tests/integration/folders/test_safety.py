"""The safeguard of a folder while several of its scans run at once."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig

from syncd.daemon.credentials import opener
from syncd.daemon.runtime import Runtime, open_runtime
from syncd.folders.scanning.scanner import FolderScanner
from syncd.folders.watching.targets import ScanTarget
from syncd.ledger import replicas
from syncd.model import AccountId, Digest, Entry, ImageHash
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
    assert ("theirs.jpg",) in rig.rows("SELECT name FROM files")
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
    assert ("theirs.jpg",) not in rig.rows("SELECT name FROM files")
    assert rig.rows("SELECT * FROM deletion") == []
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
