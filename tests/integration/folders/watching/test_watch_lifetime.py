"""The life of a watch: whatever happens to the root, a folder is watched again, and reported."""

import asyncio
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from support.limits import run_limited
from support.scene import unprivileged_directory
from support.watches import DEADLINE, Watched, put, until, watcher_of

from syncd.folders.patterns import Patterns
from syncd.folders.watching.targets import EVERYWHERE
from syncd.folders.watching.timing import Timing
from syncd.folders.watching.watch_state import Active, Degraded, RootMissing, WatchState
from syncd.folders.watching.watcher import Watcher
from syncd.heartbeat import Heartbeat


async def test_a_name_that_is_not_utf8_does_not_end_the_watch(
    tmp_path: Path, watched: Watched
) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff.jpg"
    async with watched(tmp_path) as reports:
        reports.clear()
        put(odd)
        await until(lambda: b"\xff.jpg" in reports.files)
        put(tmp_path / "next.jpg")
        await until(lambda: b"next.jpg" in reports.files)


async def test_names_that_are_not_utf8_do_not_keep_the_watcher_busy(
    tmp_path: Path, watched: Watched
) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")  # listing it is an event of that name
    async with watched(tmp_path, Timing(quiet=0.2, degraded=1.0, max_delay=1.0)) as reports:
        start = time.monotonic()
        await until(lambda: reports.count(Degraded) == 1)
        assert reports.targets.count(EVERYWHERE) <= 7
        put(os.fsencode(tmp_path) + b"/\xff/a.jpg")
        await until(lambda: b"\xff/a.jpg" in reports.files)
        assert time.monotonic() - start > 1.0
        assert reports.count(Active) == 1


async def test_a_missing_root_is_waited_for_and_reported_once(
    tmp_path: Path, watched: Watched
) -> None:
    root = tmp_path / "a/root"
    async with watched(root) as reports:
        assert reports.states == [RootMissing("there is no such file or directory")]
        root.mkdir(parents=True)
        put(root / "a.jpg")
        await until(lambda: b"a.jpg" in reports.files)
        assert [type(state) for state in reports.states] == [RootMissing, Active]


async def test_a_root_that_is_deleted_and_recreated_is_watched_again(
    tmp_path: Path, watched: Watched
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for gone_for in (0.0, 0.3):
        async with watched(root) as reports:
            reports.clear()
            shutil.rmtree(root)
            await asyncio.sleep(gone_for)
            root.mkdir()
            await until(lambda reports=reports: EVERYWHERE in reports.targets)  # type: ignore[misc]  # a default has no type
            put(root / "a.jpg")
            await until(lambda reports=reports: b"a.jpg" in reports.files)  # type: ignore[misc]  # a default has no type


async def test_the_event_alone_shows_that_the_root_was_deleted(
    tmp_path: Path, watched: Watched
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    async with watched(root, Timing(root_check=3600, quiet=3600)) as reports:
        reports.clear()
        root.rmdir()
        root.mkdir()
        await until(lambda: reports.targets.count(EVERYWHERE) > 0)
        put(root / "a.jpg")
        await until(lambda: b"a.jpg" in reports.files)


async def test_a_swapped_root_is_watched_under_its_name(tmp_path: Path, watched: Watched) -> None:
    root = tmp_path / "root"
    for path in (root, tmp_path / "other"):
        path.mkdir()
    async with watched(root) as reports:
        reports.clear()
        root.rename(tmp_path / "old")
        (tmp_path / "other").rename(root)
        await until(lambda: reports.count(Active) == 1)
        reports.clear()
        put(tmp_path / "old/wrong.jpg")
        put(root / "right.jpg")
        await until(lambda: b"right.jpg" in reports.files)
        assert reports.states == []


async def test_a_root_that_is_a_link_is_watched_at_its_target(
    tmp_path: Path, watched: Watched
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    root = tmp_path / "root"
    root.symlink_to("one")
    async with watched(root) as reports:
        put(tmp_path / "one/a.jpg")
        await until(lambda: b"a.jpg" in reports.files)
        root.unlink()
        root.symlink_to("two")
        await until(lambda: reports.count(Active) == 2)
        put(tmp_path / "two/b.jpg")
        await until(lambda: b"b.jpg" in reports.files)


async def test_all_directories_except_an_unreadable_one_are_watched(watched: Watched) -> None:
    with unprivileged_directory() as root:
        for name in (b"a", b"b", b"c", b"d", b"c/1", b"c/2", b"c/3"):
            os.makedirs(root + b"/" + name + b"/sub")
        for name in (b"c/2", b"b"):
            os.chmod(root + b"/" + name, 0)
        try:
            async with watched(root) as reports:
                reports.clear()
                assert not reports.states
                for name in (b"a", b"d", b"c", b"c/1", b"c/3"):
                    put(root + b"/" + name + b"/x.jpg")
                    put(root + b"/" + name + b"/sub/x.jpg")
                os.mkdir(root + b"/c/new")
                put(root + b"/c/new/x.jpg")
                await until(lambda: len(reports.files) == 11)
                os.chmod(root + b"/b", 0o700)
                await until(lambda: EVERYWHERE in reports.targets)
                put(root + b"/b/sub/x.jpg")
                await until(lambda: b"b/sub/x.jpg" in reports.files)
        finally:
            for name in (b"c/2", b"b"):
                os.chmod(root + b"/" + name, 0o700)


@pytest.mark.parametrize("root_is_there", [True, False])
async def test_the_watcher_stops_within_a_tenth_of_a_second(
    tmp_path: Path, root_is_there: bool
) -> None:
    states: list[WatchState] = []
    root = tmp_path if root_is_there else tmp_path / "none"
    watcher = watcher_of(root, lambda _: None, states.append)
    task = asyncio.create_task(watcher.run())
    await until(lambda: bool(states))
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 0.1
    assert not [t for t in threading.enumerate() if t.name.startswith("watch ")]


async def test_a_bug_on_the_thread_is_raised_by_run(tmp_path: Path) -> None:
    class Buggy(Patterns):
        def enters(self, path: bytes) -> bool:
            raise TypeError

    states: list[WatchState] = []
    watcher = Watcher(
        os.fsencode(tmp_path),
        Buggy(["*.jpg"], []),
        lambda _: None,
        states.append,
        heartbeat=Heartbeat(),
        timing=Timing(),
    )
    running = asyncio.create_task(watcher.run())
    await until(lambda: bool(states))
    put(tmp_path / "a.jpg")
    with pytest.raises(TypeError):
        async with asyncio.timeout(DEADLINE):
            await running


LIMITED = """
from syncd.folders.watching.watch import WatchLimitReached, _build_around_unreadable

def an_ignored_limit_is_noticed():  # unless the watcher returns its watches in that moment
    try:
        _build_around_unreadable(os.getcwdb()).close()
    except WatchLimitReached:
        return True
    return False

async def main():
    for number in range(30):
        os.mkdir(str(number))
    limit({name!r}, {value})
    async with all_watched(b".", shared={shared}) as (reports,):
        assert [type(s) for s in reports.states] == [LimitReached], reports.states
        assert "sysctl fs.inotify.max_user_{name}=" in reports.states[0].advice
        assert len(reports.targets) == 1
        if {name!r} == "watches":
            await until(an_ignored_limit_is_noticed)
        limit({name!r}, 1000)
        await until(lambda: reports.count(Active) == 1)
        put(b"29/a.jpg")
        await until(lambda: b"29/a.jpg" in reports.files)
        reports.clear()
        limit("watches", 31)
        await until(lambda: reports.count(LimitReached) == 1)
        os.mkdir("new")
        limit("watches", 1000)
        await until(lambda: reports.count(Active) == 1)
        put(b"new/a.jpg")
        await until(lambda: b"new/a.jpg" in reports.files)
"""


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("name", "value"), [("watches", 20), ("instances", 0)])
def test_a_limit_is_reported_once_until_it_is_raised(
    tmp_path: Path, name: str, value: int, shared: bool
) -> None:
    run_limited(tmp_path, LIMITED.format(name=name, value=value, shared=shared))
