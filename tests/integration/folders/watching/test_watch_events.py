"""The scan targets that a watcher names after events, with real files and real inotify."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.scene import IMAGES
from support.watches import Watched, put, until

from syncd.folders.filesystem import root_identity
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.folders.watching.timing import Timing
from syncd.folders.watching.watch import SUSPICIOUS
from syncd.folders.watching.watch_state import Active


async def test_a_new_watch_first_asks_for_everything(tmp_path: Path, watched: Watched) -> None:
    put(tmp_path / "before.jpg")
    identity = root_identity(os.fsencode(tmp_path))
    assert identity is not None
    async with watched(tmp_path) as reports:
        assert reports.states == [Active(identity.device, identity.inode)]
        assert reports.targets == [EVERYWHERE]
        assert reports.files == {b"before.jpg"}


async def test_a_new_file_is_checked_by_itself_and_a_deleted_one_in_its_directory(
    tmp_path: Path,
    watched: Watched,
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    new, renamed = tmp_path / "a/b/new.jpg", tmp_path / "a/b/renamed.jpg"
    itself, directory = (
        ScanTarget(b"a/b", deep=False, file=b"new.jpg"),
        ScanTarget(b"a/b", deep=False),
    )
    actions: list[tuple[Callable[[], object], ScanTarget]] = [
        (lambda: put(new), itself),
        (lambda: put(new), itself),
        (new.touch, itself),
        (lambda: new.rename(renamed), directory),
        (lambda: (tmp_path / "a/b/link.jpg").symlink_to("renamed.jpg"), directory),
        (renamed.unlink, directory),
    ]
    for action, target in actions:
        async with watched(tmp_path) as reports:
            reports.clear()
            action()
            await until(lambda reports=reports, target=target: target in reports.targets)  # type: ignore[misc]  # a default has no type
            assert {found.path for found in reports.targets} == {b"a/b"}
            assert (directory in reports.targets) == (target == directory)


async def test_a_new_file_is_reported_within_a_tenth_of_a_second(
    tmp_path: Path, watched: Watched
) -> None:
    async with watched(tmp_path) as reports:
        taken = []
        for number in range(20):
            reports.clear()
            put(tmp_path / f"{number}.jpg")
            start = time.monotonic()
            await until(lambda: bool(reports.targets))
            taken.append(time.monotonic() - start)
    assert sorted(taken)[10] < 0.1


async def test_files_that_the_patterns_leave_out_cause_no_scan(
    tmp_path: Path, watched: Watched
) -> None:
    for name in ("drafts", ".cache", "@eaDir", "sub"):
        (tmp_path / name).mkdir()
    put(tmp_path / "sub/old.jpg")
    async with watched(tmp_path) as reports:
        reports.clear()
        for name in ("a.txt", ".a.jpg", "a.jpg.part", "drafts/a.jpg", ".cache/a.jpg"):
            put(tmp_path / name)
        (tmp_path / "a.jpg.part").unlink()
        (tmp_path / "@eaDir/a").mkdir()
        (tmp_path / "sub/old.jpg").read_bytes()
        list_directory(os.fsencode(tmp_path), b"sub", IMAGES)
        put(tmp_path / "sub/last.jpg")
        await until(lambda: bool(reports.targets))
        assert {target.path for target in reports.targets} == {b"sub"}


async def test_a_new_directory_is_scanned_with_everything_below_it(
    tmp_path: Path, watched: Watched
) -> None:
    (tmp_path / "out/sub").mkdir(parents=True)
    put(tmp_path / "out/sub/a.jpg")
    (tmp_path / "root").mkdir()
    async with watched(tmp_path / "root") as reports:
        reports.clear()
        (tmp_path / "out").rename(tmp_path / "root/in")
        await until(lambda: b"in/sub/a.jpg" in reports.files)
        assert reports.targets[0] == ScanTarget(b"in", deep=True)
        put(tmp_path / "root/in/sub/b.jpg")
        await until(lambda: b"in/sub/b.jpg" in reports.files)


async def test_the_nearest_existing_directory_of_a_deleted_path_is_scanned(
    tmp_path: Path, watched: Watched
) -> None:
    (tmp_path / "root/a/b/c").mkdir(parents=True)
    put(tmp_path / "root/a/b/c/x.jpg")
    async with watched(tmp_path / "root") as reports:
        reports.clear()
        (tmp_path / "root/a/b").rename(tmp_path / "out")
        await until(lambda: bool(reports.targets))
        assert reports.targets == [ScanTarget(b"a", deep=False)]
        reports.clear()
        (tmp_path / "out").rename(tmp_path / "root/b")
        await until(lambda: b"b/c/x.jpg" in reports.files)
        (tmp_path / "root/a/1/2/3").mkdir(parents=True)
        await until(lambda: ScanTarget(b"a/1", deep=True) in reports.targets)
        reports.clear()
        shutil.rmtree(tmp_path / "root/a/1")
        await until(lambda: ScanTarget(b"a", deep=False) in reports.targets)
        assert ScanTarget(b"", deep=False) not in reports.targets
        shutil.rmtree(tmp_path / "root/b")
        await until(lambda: ScanTarget(b"", deep=False) in reports.targets)


async def test_files_created_right_after_their_directory_are_found(
    tmp_path: Path, watched: Watched
) -> None:
    async with watched(tmp_path) as reports:
        for number in range(20):
            deep = tmp_path / f"{number}/a/b/c"
            deep.mkdir(parents=True)
            for name in range(5):
                put(deep / f"{name}.jpg")
        await until(lambda: len(reports.files) == 100)


BURST = """
import os, random, sys
chance = random.Random(int(sys.argv[2]))
places = [sys.argv[1]]
for number in range(1500):
    place = chance.choice(places[-30:])
    for deeper in range(chance.choice((0, 0, 1, 2))):
        place = os.path.join(place, f"{sys.argv[2]}-{number}-{deeper}")
        os.mkdir(place)
        places.append(place if place.count("/") < 30 else sys.argv[1])
    with open(os.path.join(place, f"{number}.jpg"), "wb") as file:
        file.write(b"picture")
"""


def images_in(root: Path) -> set[bytes]:
    return {os.fsencode(path.relative_to(root)) for path in root.rglob("*.jpg")}


async def test_a_burst_of_nested_directories_loses_no_file(
    tmp_path: Path, watched: Watched
) -> None:
    async with watched(tmp_path, Timing()) as reports:
        writers = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", BURST, str(tmp_path), str(seed)
            )
            for seed in (1, 2)
        ]
        for writer in writers:
            assert await writer.wait() == 0
        real = images_in(tmp_path)
        assert len(real) > 2000
        await until(lambda: reports.files >= real, within=30)


async def test_only_events_inside_the_root_cause_a_scan(tmp_path: Path, watched: Watched) -> None:
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "root/z").symlink_to("a")
    (tmp_path / "root/out").symlink_to("../out")
    async with watched(tmp_path / "root") as reports:
        reports.clear()
        put(tmp_path / "out/x.jpg")
        put(tmp_path / "root/a/y.jpg")
        await until(lambda: b"a/y.jpg" in reports.files)
        assert set(reports.targets) == {ScanTarget(b"a", deep=False, file=b"y.jpg")}


async def test_a_storm_of_events_is_followed_by_a_scan_of_everything(
    tmp_path: Path, watched: Watched
) -> None:
    (tmp_path / "a").mkdir()
    names = [tmp_path / f"a/{number}.jpg" for number in range(2 * SUSPICIOUS)]
    for name in names:
        name.touch()
    async with watched(tmp_path) as reports:
        reports.clear()
        for name in names:
            os.utime(name)
        await until(lambda: EVERYWHERE in reports.targets)
        assert reports.targets.count(EVERYWHERE) <= 2
