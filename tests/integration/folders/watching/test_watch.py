"""Where the watcher says to look, with real files and real inotify."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import list_directory, root_identity
from syncd.folders.watching.retry_delay import Timing
from syncd.folders.watching.targets import EVERYWHERE, FEW, ScanTarget, coalesced
from syncd.folders.watching.watch_state import Active, Degraded, RootMissing, WatchState
from syncd.folders.watching.watcher import Watcher

IMAGES = Patterns(["*.jpg"], ["drafts/"])
HASTY = Timing(quiet=0.2, root_check=0.05, limit_check=0.1, limit_retry=0.1, steady=1.0)
SOON = 10.0  # seconds until a condition must hold


class Seen:
    """What was told, and the files that a scan would have found by it."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.states: list[WatchState] = []
        self.looks: list[ScanTarget] = []
        self.files: set[bytes] = set()

    def take(self, looks: frozenset[ScanTarget]) -> None:
        self.looks += looks
        for look in looks:
            if look.file:
                self.files.add(os.path.join(look.path, look.file))
            else:
                self._list(look.path, look.deep)

    def _list(self, path: bytes, deep: bool) -> None:
        try:
            listing = list_directory(self.root, path, IMAGES)
        except Unreadable:
            return
        prefix = path + b"/" if path else b""
        self.files |= {prefix + name for name in listing.files}
        for name in listing.directories if deep else ():
            self._list(prefix + name, deep)

    def forget(self) -> None:
        self.states.clear()
        self.looks.clear()
        self.files.clear()

    def told(self, kind: type[WatchState]) -> int:
        return sum(isinstance(state, kind) for state in self.states)


async def until(condition: Callable[[], bool], within: float = SOON) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 -- no condition here has an event of its own
            await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(root: Path | bytes, timing: Timing = HASTY) -> AsyncIterator[Seen]:
    """Yield what is told, once the watch stands or cannot."""
    seen = Seen(os.fsencode(root))
    watcher = Watcher(seen.root, IMAGES, seen.take, seen.states.append, timing=timing)
    task = asyncio.create_task(watcher.run())
    try:
        await until(lambda: bool(seen.states) or task.done())
        if seen.told(Active):
            await until(lambda: EVERYWHERE in seen.looks)
        yield seen
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not [t for t in threading.enumerate() if t.name.startswith("watch ")]


@contextmanager
def nobodys_directory() -> Iterator[bytes]:
    """A directory of a user whom permissions hold, which root is not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        with tempfile.TemporaryDirectory() as place:
            yield os.fsencode(place)
    finally:
        os.seteuid(before)


def put(path: Path | bytes) -> None:
    with open(path, "wb") as file:
        file.write(b"picture")


async def test_a_standing_watch_asks_for_everything_first(tmp_path: Path) -> None:
    put(tmp_path / "before.jpg")
    identity = root_identity(os.fsencode(tmp_path))
    assert identity is not None
    async with watched(tmp_path) as seen:
        assert seen.states == [Active(identity.device, identity.inode)]
        assert seen.looks == [EVERYWHERE]
        assert seen.files == {b"before.jpg"}


async def test_a_file_is_looked_at_itself_and_what_went_is_looked_for_in_its_directory(
    tmp_path: Path,
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    new, renamed = tmp_path / "a/b/new.jpg", tmp_path / "a/b/renamed.jpg"
    itself, directory = (
        ScanTarget(b"a/b", deep=False, file=b"new.jpg"),
        ScanTarget(b"a/b", deep=False),
    )
    acts: list[tuple[Callable[[], object], ScanTarget]] = [
        (lambda: put(new), itself),
        (lambda: put(new), itself),
        (new.touch, itself),
        (lambda: new.rename(renamed), directory),
        (lambda: (tmp_path / "a/b/link.jpg").symlink_to("renamed.jpg"), directory),
        (renamed.unlink, directory),
    ]
    for act, look in acts:
        async with watched(tmp_path) as seen:
            seen.forget()
            act()
            await until(lambda seen=seen, look=look: look in seen.looks)  # type: ignore[misc]
            assert {found.path for found in seen.looks} == {b"a/b"}
            assert (directory in seen.looks) == (look == directory)


def test_a_look_that_another_one_includes_is_not_taken() -> None:
    one, other = (
        ScanTarget(b"a", deep=False, file=b"1.jpg"),
        ScanTarget(b"a", deep=False, file=b"2.jpg"),
    )
    directory, tree = ScanTarget(b"a", deep=False), ScanTarget(b"a", deep=True)
    below = ScanTarget(b"a/b", deep=False, file=b"1.jpg")
    assert coalesced([one, other, below]) == {one, other, below}
    assert coalesced([one, other, below, directory]) == {directory, below}
    assert coalesced([one, below, directory, tree]) == {tree}
    many = [ScanTarget(b"a", deep=False, file=b"%d" % i) for i in range(FEW + 1)]
    assert coalesced(many[1:]) == set(many[1:])
    assert coalesced([*many, below]) == {directory, below}


async def test_a_new_file_is_told_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        taken = []
        for number in range(20):
            seen.forget()
            put(tmp_path / f"{number}.jpg")
            start = time.monotonic()
            await until(lambda: bool(seen.looks))
            taken.append(time.monotonic() - start)
    assert sorted(taken)[10] < 0.1


async def test_what_is_no_image_to_be_is_no_reason_to_look(tmp_path: Path) -> None:
    for name in ("drafts", ".cache", "@eaDir", "sub"):
        (tmp_path / name).mkdir()
    put(tmp_path / "sub/old.jpg")
    async with watched(tmp_path) as seen:
        seen.forget()
        for name in ("a.txt", ".a.jpg", "a.jpg.part", "drafts/a.jpg", ".cache/a.jpg"):
            put(tmp_path / name)
        (tmp_path / "a.jpg.part").unlink()
        (tmp_path / "@eaDir/a").mkdir()
        (tmp_path / "sub/old.jpg").read_bytes()
        list_directory(os.fsencode(tmp_path), b"sub", IMAGES)
        put(tmp_path / "sub/last.jpg")
        await until(lambda: bool(seen.looks))
        assert {look.path for look in seen.looks} == {b"sub"}


async def test_a_directory_that_arrives_is_looked_at_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "out/sub").mkdir(parents=True)
    put(tmp_path / "out/sub/a.jpg")
    (tmp_path / "root").mkdir()
    async with watched(tmp_path / "root") as seen:
        seen.forget()
        (tmp_path / "out").rename(tmp_path / "root/in")
        await until(lambda: b"in/sub/a.jpg" in seen.files)
        assert seen.looks[0] == ScanTarget(b"in", deep=True)
        put(tmp_path / "root/in/sub/b.jpg")
        await until(lambda: b"in/sub/b.jpg" in seen.files)


async def test_what_went_is_looked_for_in_the_nearest_directory_that_is(tmp_path: Path) -> None:
    (tmp_path / "root/a/b/c").mkdir(parents=True)
    put(tmp_path / "root/a/b/c/x.jpg")
    async with watched(tmp_path / "root") as seen:
        seen.forget()
        (tmp_path / "root/a/b").rename(tmp_path / "out")
        await until(lambda: bool(seen.looks))
        assert seen.looks == [ScanTarget(b"a", deep=False)]
        seen.forget()
        (tmp_path / "out").rename(tmp_path / "root/b")
        await until(lambda: b"b/c/x.jpg" in seen.files)
        (tmp_path / "root/a/1/2/3").mkdir(parents=True)
        await until(lambda: ScanTarget(b"a/1", deep=True) in seen.looks)
        seen.forget()
        shutil.rmtree(tmp_path / "root/a/1")
        await until(lambda: ScanTarget(b"a", deep=False) in seen.looks)
        assert ScanTarget(b"", deep=False) not in seen.looks
        shutil.rmtree(tmp_path / "root/b")
        await until(lambda: ScanTarget(b"", deep=False) in seen.looks)


async def test_files_made_right_after_their_directory_are_found(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        for number in range(20):
            deep = tmp_path / f"{number}/a/b/c"
            deep.mkdir(parents=True)
            for name in range(5):
                put(deep / f"{name}.jpg")
        await until(lambda: len(seen.files) == 100)


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


async def test_a_burst_of_nested_directories_loses_no_file(tmp_path: Path) -> None:
    async with watched(tmp_path, Timing()) as seen:
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
        await until(lambda: seen.files >= real, within=30)


async def test_a_name_that_is_not_utf8_ends_nothing(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff.jpg"
    async with watched(tmp_path) as seen:
        seen.forget()
        put(odd)
        await until(lambda: b"\xff.jpg" in seen.files)
        put(tmp_path / "next.jpg")
        await until(lambda: b"next.jpg" in seen.files)


async def test_names_that_are_not_utf8_cannot_make_it_busy(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")  # listing it is an event of that name
    async with watched(tmp_path, Timing(quiet=0.2, hampered=1.0, longest_pause=1.0)) as seen:
        start = time.monotonic()
        await until(lambda: seen.told(Degraded) == 1)
        assert seen.looks.count(EVERYWHERE) <= 7
        put(os.fsencode(tmp_path) + b"/\xff/a.jpg")
        await until(lambda: b"\xff/a.jpg" in seen.files)
        assert time.monotonic() - start > 1.0
        assert seen.told(Active) == 1


async def test_a_root_that_comes_late_is_waited_for_and_told_once(tmp_path: Path) -> None:
    root = tmp_path / "a/root"
    async with watched(root) as seen:
        assert seen.states == [RootMissing("there is no such file or directory")]
        root.mkdir(parents=True)
        put(root / "a.jpg")
        await until(lambda: b"a.jpg" in seen.files)
        assert [type(state) for state in seen.states] == [RootMissing, Active]


async def test_a_root_that_is_deleted_and_made_again_is_watched_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for gone_for in (0.0, 0.3):
        async with watched(root) as seen:
            seen.forget()
            shutil.rmtree(root)
            await asyncio.sleep(gone_for)
            root.mkdir()
            await until(lambda seen=seen: EVERYWHERE in seen.looks)  # type: ignore[misc]
            put(root / "a.jpg")
            await until(lambda seen=seen: b"a.jpg" in seen.files)  # type: ignore[misc]


async def test_a_root_that_is_deleted_is_known_by_its_event_alone(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    async with watched(root, Timing(root_check=3600, quiet=3600)) as seen:
        seen.forget()
        root.rmdir()
        root.mkdir()
        await until(lambda: seen.looks.count(EVERYWHERE) > 0)
        put(root / "a.jpg")
        await until(lambda: b"a.jpg" in seen.files)


async def test_a_swapped_root_is_watched_under_its_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for path in (root, tmp_path / "other"):
        path.mkdir()
    async with watched(root) as seen:
        seen.forget()
        root.rename(tmp_path / "old")
        (tmp_path / "other").rename(root)
        await until(lambda: seen.told(Active) == 1)
        seen.forget()
        put(tmp_path / "old/wrong.jpg")
        put(root / "right.jpg")
        await until(lambda: b"right.jpg" in seen.files)
        assert seen.states == []


async def test_a_root_that_is_a_link_is_watched_where_it_leads(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    root = tmp_path / "root"
    root.symlink_to("one")
    async with watched(root) as seen:
        put(tmp_path / "one/a.jpg")
        await until(lambda: b"a.jpg" in seen.files)
        root.unlink()
        root.symlink_to("two")
        await until(lambda: seen.told(Active) == 2)
        put(tmp_path / "two/b.jpg")
        await until(lambda: b"b.jpg" in seen.files)


async def test_what_lies_behind_a_link_is_looked_at_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "root/z").symlink_to("a")
    (tmp_path / "root/out").symlink_to("../out")
    async with watched(tmp_path / "root") as seen:
        seen.forget()
        put(tmp_path / "out/x.jpg")
        put(tmp_path / "root/a/y.jpg")
        await until(lambda: b"a/y.jpg" in seen.files)
        assert set(seen.looks) == {ScanTarget(b"a", deep=False, file=b"y.jpg")}


async def test_an_unreadable_directory_keeps_nothing_else_from_being_watched() -> None:
    with nobodys_directory() as root:
        for name in (b"a", b"b", b"c", b"d", b"c/1", b"c/2", b"c/3"):
            os.makedirs(root + b"/" + name + b"/sub")
        for name in (b"c/2", b"b"):
            os.chmod(root + b"/" + name, 0)
        try:
            async with watched(root) as seen:
                seen.forget()
                assert not seen.states
                for name in (b"a", b"d", b"c", b"c/1", b"c/3"):
                    put(root + b"/" + name + b"/x.jpg")
                    put(root + b"/" + name + b"/sub/x.jpg")
                os.mkdir(root + b"/c/new")
                put(root + b"/c/new/x.jpg")
                await until(lambda: len(seen.files) == 11)
                os.chmod(root + b"/b", 0o700)
                await until(lambda: EVERYWHERE in seen.looks)
                put(root + b"/b/sub/x.jpg")
                await until(lambda: b"b/sub/x.jpg" in seen.files)
        finally:
            for name in (b"c/2", b"b"):
                os.chmod(root + b"/" + name, 0o700)


async def test_a_storm_of_events_is_followed_by_a_look_at_everything(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    async with watched(tmp_path) as seen:
        seen.forget()
        for number in range(10_000):
            os.mknod(tmp_path / f"a/{number}.jpg")
        await until(lambda: EVERYWHERE in seen.looks)
        assert seen.looks.count(EVERYWHERE) <= 2


@pytest.mark.parametrize("root_is_there", [True, False])
async def test_it_stops_within_a_tenth_of_a_second(tmp_path: Path, root_is_there: bool) -> None:
    states: list[WatchState] = []
    root = tmp_path if root_is_there else tmp_path / "none"
    watcher = Watcher(os.fsencode(root), IMAGES, lambda _: None, states.append)
    task = asyncio.create_task(watcher.run())
    await until(lambda: bool(states))
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 0.1
    assert not [t for t in threading.enumerate() if t.name.startswith("watch ")]


async def test_a_bug_in_its_thread_comes_out_of_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.folders.watching.watcher.targets_of", None)
    watcher = Watcher(os.fsencode(tmp_path), IMAGES, lambda _: None, lambda _: None)
    with pytest.raises(TypeError):
        async with asyncio.timeout(SOON):
            await watcher.run()


LIMITED = """
import asyncio, os, sys
sys.path[:0] = {path!r}
os.chdir({place!r})
from test_watch import Active, put, until, watched
from syncd.folders.watching.watch_state import LimitReached
from syncd.folders.watching.watch import WatchLimitReached, _build_around_closed

def limit(name, value):
    with open("/proc/sys/user/max_inotify_" + name, "w") as file:
        file.write(str(value))

async def main():
    for number in range(30):
        os.mkdir(str(number))
    limit({name!r}, {value})
    async with watched(b".") as seen:
        assert [type(s) for s in seen.states] == [LimitReached], seen.states
        assert "sysctl fs.inotify.max_user_{name}=" in seen.states[0].advice
        assert len(seen.looks) == 1
        if {name!r} == "watches":
            try:
                _build_around_closed(os.getcwdb())
            except WatchLimitReached:
                pass
            else:
                raise AssertionError("a limit that is passed over is not seen")
        limit({name!r}, 1000)
        await until(lambda: seen.told(Active) == 1)
        put(b"29/a.jpg")
        await until(lambda: b"29/a.jpg" in seen.files)
        seen.forget()
        limit("watches", 31)
        await until(lambda: seen.told(LimitReached) == 1)
        os.mkdir("new")
        limit("watches", 1000)
        await until(lambda: seen.told(Active) == 1)
        put(b"new/a.jpg")
        await until(lambda: b"new/a.jpg" in seen.files)

asyncio.run(main())
"""


@pytest.mark.parametrize(("name", "value"), [("watches", 20), ("instances", 0)])
def test_a_limit_is_told_once_and_gone_with_it(tmp_path: Path, name: str, value: int) -> None:
    path = [str(Path(__file__).parent), str(Path(__file__).parents[4])]
    script = LIMITED.format(path=path, place=str(tmp_path), name=name, value=value)
    own = ["unshare", "--user", "--map-root-user"]  # limits of its own, that it may set
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("this system gives no user namespaces")
    done = subprocess.run(
        [*own, sys.executable, "-c", textwrap.dedent(script)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
