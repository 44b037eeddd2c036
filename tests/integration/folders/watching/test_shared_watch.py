"""Several folders on one watch: each gets its own events, and none loses files to another."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.limits import run_limited
from support.mounts import own_mounts
from support.scene import unprivileged_directory
from support.watches import CALM, Reports, all_watched, instances, put, until

from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.folders.watching.watch import SUSPICIOUS
from syncd.folders.watching.watch_state import Active, RootMissing


def folders(place: Path | bytes, count: int) -> list[bytes]:
    """Create and return folders in a directory, each with a directory in it."""
    roots = [os.fsencode(place) + b"/%d" % number for number in range(count)]
    for root in roots:
        os.makedirs(root + b"/sub")
    return roots


async def put_in_all(all_reports: Sequence[Reports], name: bytes) -> None:
    """Put a file into each folder, and wait until every one of them is found."""
    for reports in all_reports:
        put(reports.root + b"/sub/" + name)
    await until(lambda: all(b"sub/" + name in reports.files for reports in all_reports))


async def test_200_folders_share_one_inotify_instance(tmp_path: Path) -> None:
    async with all_watched(*folders(tmp_path, 200), timing=CALM) as all_reports:
        await until(lambda: instances() == 1)
        for reports in all_reports:
            assert [type(state) for state in reports.states] == [Active]
            reports.clear()
        await put_in_all(all_reports, b"a.jpg")
        for reports in all_reports:
            assert set(reports.targets) == {ScanTarget(b"sub", deep=False, file=b"a.jpg")}
            assert reports.states == []


async def test_a_file_is_reported_to_every_folder_that_contains_it(tmp_path: Path) -> None:
    (tmp_path / "outer/inner").mkdir(parents=True)
    (tmp_path / "outer2").mkdir()
    (tmp_path / "link").symlink_to("outer")
    names = ("outer", "outer/inner", "outer", "link", "outer2")
    async with all_watched(*(tmp_path / name for name in names), timing=CALM) as all_reports:
        await until(lambda: instances() == 1)
        put(tmp_path / "outer/inner/a.jpg")
        outer, inner, again, link, other = all_reports
        await until(lambda: all(b"inner/a.jpg" in r.files for r in (outer, again, link)))
        await until(lambda: b"a.jpg" in inner.files)
        put(tmp_path / "outer2/b.jpg")
        await until(lambda: b"b.jpg" in other.files)
        assert not any(b"b.jpg" in reports.files for reports in all_reports[:-1])
        assert not any(reports.count(RootMissing) for reports in all_reports)
        shutil.rmtree(tmp_path / "outer/inner")
        await until(lambda: inner.count(RootMissing) == 1)
        (tmp_path / "outer/inner/new").mkdir(parents=True)
        await until(lambda: inner.count(Active) == 2)
        put(tmp_path / "outer/inner/new/c.jpg")
        await until(lambda: b"new/c.jpg" in inner.files)
        await until(lambda: all(b"inner/new/c.jpg" in r.files for r in (outer, again, link)))


async def test_a_root_that_returns_has_its_own_watch_and_disturbs_no_other(tmp_path: Path) -> None:
    roots = folders(tmp_path, 3)
    async with all_watched(*roots, timing=CALM) as all_reports:
        first, *others = all_reports
        for reports in all_reports:
            reports.clear()
        os.rename(roots[0], roots[0] + b"-old")
        await until(lambda: first.count(RootMissing) == 1)
        put(roots[0] + b"-old/sub/wrong.jpg")
        os.makedirs(roots[0] + b"/sub")
        await until(lambda: first.count(Active) == 1)
        await until(lambda: instances() == 2)
        await put_in_all(all_reports, b"a.jpg")
        assert b"sub/wrong.jpg" not in first.files
        for reports in others:
            assert EVERYWHERE not in reports.targets
            assert reports.states == []


async def test_a_root_that_returned_joins_the_shared_watch_when_that_is_built_again(
    tmp_path: Path,
) -> None:
    roots = folders(tmp_path, 3)
    async with all_watched(*roots, timing=replace(CALM, rebuild=0.5)) as all_reports:
        first = all_reports[0]
        for reports in all_reports:
            reports.clear()
        os.rename(roots[0], roots[0] + b"-old")
        await until(lambda: first.count(RootMissing) == 1)
        os.makedirs(roots[0] + b"/sub")
        scans = [2, 1, 1]  # of the first, also when its own watch begins
        await until(lambda: [r.targets.count(EVERYWHERE) for r in all_reports] == scans)
        await until(lambda: instances() == 1)
        await put_in_all(all_reports, b"a.jpg")
        assert [r.targets.count(EVERYWHERE) for r in all_reports] == scans
        assert [r.count(Active) for r in all_reports] == [1, 0, 0]


async def test_a_name_that_is_not_utf8_disturbs_other_folders_once_and_loses_no_file(
    tmp_path: Path,
) -> None:
    roots = folders(tmp_path, 4)
    async with all_watched(*roots, timing=CALM) as all_reports:
        odd, *others = all_reports
        for reports in others:
            reports.clear()
        for number in range(200):
            for root in roots:
                put(root + b"/sub/%d.jpg" % number)
            if number == 100:
                put(roots[0] + b"/sub/\xff\"\\\n'.jpg")
            await asyncio.sleep(0.001)
        expected = {b"sub/%d.jpg" % number for number in range(200)}
        await until(lambda: all(reports.files >= expected for reports in all_reports))
        assert [reports.targets.count(EVERYWHERE) for reports in others] == [1, 1, 1]
        await until(lambda: instances() == 2)
        scans = odd.targets.count(EVERYWHERE)
        put(roots[0] + b"/sub/\xfe.jpg")
        await until(lambda: odd.targets.count(EVERYWHERE) > scans)
        await put_in_all(all_reports, b"last.jpg")
        assert [reports.targets.count(EVERYWHERE) for reports in others] == [1, 1, 1]
        assert not any(reports.states for reports in others)


async def test_a_folder_that_ended_the_shared_watch_never_joins_it_again(tmp_path: Path) -> None:
    roots = folders(tmp_path, 3)
    async with all_watched(*roots, timing=replace(CALM, rebuild=0.5)) as all_reports:
        odd, returning, other = all_reports
        put(roots[0] + b"/sub/\xff.jpg")
        await until(lambda: [r.targets.count(EVERYWHERE) for r in all_reports] == [2, 2, 2])
        os.rename(roots[1], roots[1] + b"-old")
        await until(lambda: returning.count(RootMissing) == 1)
        os.makedirs(roots[1] + b"/sub")
        await until(lambda: other.targets.count(EVERYWHERE) == 3)
        await put_in_all(all_reports, b"a.jpg")
        assert [r.targets.count(EVERYWHERE) for r in all_reports] == [2, 4, 3]
        await until(lambda: instances() == 2)
        assert not odd.count(RootMissing)


async def test_a_folder_with_an_unreadable_directory_has_its_own_watch() -> None:
    with unprivileged_directory() as place:
        roots = folders(place, 4)
        os.mkdir(roots[1] + b"/closed", 0)
        async with all_watched(*roots, timing=CALM) as all_reports:
            await until(lambda: instances() == 2)
            assert [len(reports.states) for reports in all_reports] == [1] * 4
            await put_in_all(all_reports, b"a.jpg")


async def test_a_folder_with_a_link_into_another_one_takes_no_events_from_it(
    tmp_path: Path,
) -> None:
    roots = folders(tmp_path, 3)
    for link in (roots[0] + b"/before", roots[2] + b"/sub/after"):
        os.symlink(roots[1] + b"/sub", link)
    os.symlink(b"sub", roots[1] + b"/inside")
    async with all_watched(*roots, timing=CALM) as all_reports:
        await until(lambda: instances() == 3)
        await put_in_all(all_reports, b"a.jpg")
        for link in (roots[0] + b"/before", roots[2] + b"/sub/after"):
            os.unlink(link)
        await until(lambda: ScanTarget(b"sub", deep=False) in all_reports[2].targets)
        await put_in_all(all_reports, b"b.jpg")


async def test_a_burst_in_one_folder_is_followed_by_a_scan_of_all(tmp_path: Path) -> None:
    roots = folders(tmp_path, 2)
    names = [roots[0] + b"/sub/%d.jpg" % number for number in range(2 * SUSPICIOUS)]
    for name in names:
        os.mknod(name)
    async with all_watched(*roots, timing=CALM) as (_, other):
        other.clear()
        for name in names:
            os.utime(name)
        await until(lambda: EVERYWHERE in other.targets)


async def test_a_missing_folder_delays_no_other(tmp_path: Path) -> None:
    roots = folders(tmp_path, 2)
    async with all_watched(*roots, tmp_path / "none", timing=CALM) as (*present, missing):
        assert missing.states == [RootMissing("there is no such file or directory")]
        await until(lambda: instances() == 1)
        await put_in_all(present, b"a.jpg")


LIMIT_AT_START = """
async def main():
    for folder, directories in zip("abc", {sizes}):
        for number in range(directories):
            os.makedirs(f"{{folder}}/{{number}}")
    limit("watches", 20)
    roots, timing = map(os.path.abspath, "abc"), Timing(quiet=0.2, limit_retry=1.0)
    async with all_watched(*roots, timing=timing) as all_reports:
        large = all_reports.pop({sizes}.index(30))
        await until(lambda: all(reports.count(Active) for reports in all_reports))
        assert large.count(LimitReached) == 1
        for reports in all_reports:
            reports.clear()
        limit("watches", 1000)
        await until(lambda: large.count(Active) == 1)
        for reports in (large, *all_reports):
            put(reports.root + b"/4/a.jpg")
        await until(lambda: all(b"4/a.jpg" in r.files for r in (large, *all_reports)))
        await until(lambda: instances() == {instances})
"""


@pytest.mark.parametrize(("sizes", "expected"), [((5, 5, 30), 2), ((5, 30, 5), 3), ((30, 5, 5), 2)])
def test_a_folder_that_meets_the_limit_leaves_the_shared_watch(
    tmp_path: Path, sizes: tuple[int, ...], expected: int
) -> None:
    run_limited(tmp_path, LIMIT_AT_START.format(sizes=sizes, instances=expected))


LIMIT_LATER = """
async def main():
    for name in "ab":
        os.makedirs(f"{name}/sub")
    async with all_watched(*(os.path.abspath(name) for name in "ab")) as both:
        limit("watches", 4)
        await until(lambda: all(reports.count(LimitReached) == 1 for reports in both))
        os.mkdir("a/new")
        put("a/sub/a.jpg")
        await until(lambda: b"sub/a.jpg" in both[0].files)
        limit("watches", 1000)
        await until(lambda: all(reports.count(Active) == 2 for reports in both))
        await until(lambda: instances() == 1)
        put("a/new/a.jpg")
        await until(lambda: b"new/a.jpg" in both[0].files)
"""


def test_a_limit_that_new_directories_meet_is_reported_for_all_folders(tmp_path: Path) -> None:
    run_limited(tmp_path, LIMIT_LATER)


BOUND = """
import asyncio, os, sys
from support.watches import CALM, all_watched, instances, put, until
from syncd.folders.watching.watch_state import Active

async def main():
    roots = [os.fsencode(path) for path in sys.argv[1:]]
    async with all_watched(*roots, timing=CALM) as all_reports:
        await until(lambda: instances() == 2)
        put(roots[0] + b"/sub/a.jpg")
        await until(lambda: b"sub/a.jpg" in all_reports[0].files)
        await until(lambda: b"a.jpg" in all_reports[1].files)
        put(roots[2] + b"/b.jpg")
        await until(lambda: b"b.jpg" in all_reports[2].files)

asyncio.run(main())
"""


def test_a_directory_that_is_mounted_at_two_places_is_watched_at_both(tmp_path: Path) -> None:
    folder, bound, other = (tmp_path / name for name in ("folder", "bound", "other"))
    (folder / "sub").mkdir(parents=True)
    bound.mkdir()
    other.mkdir()
    here = Path(__file__).parents[3]
    with own_mounts(other) as mounts:
        mounts.mount("--bind", folder / "sub", bound)
        done = subprocess.run(
            [*mounts.under, sys.executable, "-c", BOUND, folder, bound, other],
            env={**os.environ, "PYTHONPATH": f"{here}:{here.parent}"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
