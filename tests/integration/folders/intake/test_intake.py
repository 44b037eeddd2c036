"""The intake: fresh files pass a backlog, none is read twice, and waiting files are bounded."""

import asyncio
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest
from support.pictures import picture
from support.rig import DEADLINE, Rig, until
from support.scene import tree_of

from syncd.daemon.folders import declare
from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.intake import BATCH, MAX_SETTLING, Burst, Intake
from syncd.folders.intake.record import Recorder
from syncd.folders.intake.settle import LARGE
from syncd.folders.monitor import FolderMonitor, MonitorSettings
from syncd.folders.safe_open import stat_of
from syncd.folders.scanning.scan import check_files
from syncd.folders.watching.targets import ScanTarget
from syncd.heartbeat import Heartbeat
from syncd.ledger import folders
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Place, record_all
from syncd.model import AccountId, Digest, FolderName, Stat

LONG_AGO = 1_000_000_000 * 10**9
AHEAD = 10_000_000_000 * 10**9
MANY = Burst().files
AT_ONCE = 1e-9  # seconds after which a test's operation has stalled


class ObservedCache(ContentCache):
    """A cache that shows when a file is about to be read."""

    def __init__(self) -> None:
        super().__init__(0)
        self.was_asked = threading.Event()

    def wait_for_room(self, lengths: Iterable[int]) -> None:
        self.was_asked.set()
        super().wait_for_room(lengths)


@asynccontextmanager
async def intake_of(
    folder: Path,
    images: list[bool] | None = None,
    cache: ContentCache | None = None,
    readers: defaultdict[int, Heartbeat] | None = None,
) -> AsyncIterator[Intake]:
    """Yield an intake that does not read yet; `images` gets whether each image is fresh."""

    def on_image(_: int, __: Digest, fresh: bool) -> None:
        if images is not None:
            images.append(fresh)

    async with open_ledger(folder.with_name("ledger.db")) as ledger:
        account = AccountId("1")
        await ledger.write(folders.declare(FolderName("a"), bytes(folder), [account]))
        cache = cache or ContentCache(0)
        recorder = Recorder(ledger, cache, on_image, lambda _: [account])
        yield Intake(recorder, cache, 0.0, readers or defaultdict(Heartbeat))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def nowhere(count: int, ctime_ns: int = LONG_AGO) -> list[tuple[Place, Stat]]:
    return [
        (
            Place(1, b"", b"%d.jpg" % i),
            Stat(device=1, inode=i, size=9, mtime_ns=9, ctime_ns=ctime_ns),
        )
        for i in range(count)
    ]


async def would_wait(intake: Intake, found: Sequence[tuple[Place, Stat]], *, fresh: bool) -> bool:
    offer = intake.offer_fresh(b"/nowhere", found) if fresh else intake.offer(b"/nowhere", found)
    task = asyncio.create_task(offer)
    await asyncio.sleep(0)
    waits = not task.done()
    task.cancel()
    await asyncio.wait([task])
    return waits


async def test_a_file_that_is_being_recorded_is_not_read_again(folder: Path) -> None:
    images: list[bool] = []
    content = picture(1)
    (folder / "a.jpg").write_bytes(content)
    found = [(Place(1, b"", b"a.jpg"), stat_of((folder / "a.jpg").stat()))]
    cache = ObservedCache()
    async with intake_of(folder, images, cache) as intake:
        with closing(sqlite3.connect(folder.with_name("ledger.db"))) as other:
            other.execute("BEGIN IMMEDIATE")  # the intake cannot record meanwhile
            await intake.offer(bytes(folder), found)
            run = asyncio.create_task(intake.run())
            await until(cache.was_asked.is_set)
            assert await intake.offer_fresh(bytes(folder), found)
            assert intake.pending == 1
        await intake.quiet()
        assert images == [True], "the file became fresh while it was recorded"
        run.cancel()
        await asyncio.wait([run])


class LargeReads(ContentCache):
    """A cache that counts the large files that are being read whenever a batch begins."""

    def __init__(self) -> None:
        super().__init__(0)
        self.intake: Intake | None = None
        self.most = 0

    def wait_for_room(self, lengths: Iterable[int]) -> None:
        assert self.intake is not None
        reading = list(self.intake._reading.values())
        self.most = max(self.most, sum(found.stat.size > LARGE for found in reading))
        super().wait_for_room(lengths)


async def test_one_reader_at_a_time_reads_large_files(folder: Path) -> None:
    names = [b"%d.jpg" % n for n in range(8)]
    for number, name in enumerate(names):
        with (folder / os.fsdecode(name)).open("wb") as file:
            file.truncate(LARGE + 1 if number % 2 else 1000)
    found = [(Place(1, b"", name), stat_of((folder / os.fsdecode(name)).stat())) for name in names]
    cache = LargeReads()
    async with intake_of(folder, cache=cache) as intake:
        cache.intake = intake
        await intake.offer(bytes(folder), found)
        run = asyncio.create_task(intake.run())
        await intake.quiet()
        assert cache.most == 1
        run.cancel()
        await asyncio.wait([run])


class SlowStart(ContentCache):
    """A cache in which the first batch waits for room until the test ends."""

    def __init__(self) -> None:
        super().__init__(0)
        self.batches = 0
        self.ended = threading.Event()

    def wait_for_room(self, lengths: Iterable[int]) -> None:
        self.batches += 1
        if self.batches == 1:
            assert self.ended.wait(DEADLINE)


async def test_while_a_batch_is_slow_the_next_one_is_read(folder: Path) -> None:
    names = [b"%d.jpg" % number for number in range(BATCH + 1)]
    for number, name in enumerate(names):
        (folder / os.fsdecode(name)).write_bytes(picture(number, width=8, height=8))
    found = [(Place(1, b"", name), stat_of((folder / os.fsdecode(name)).stat())) for name in names]
    cache = SlowStart()
    async with intake_of(folder, cache=cache) as intake:
        await intake.offer(bytes(folder), found)
        run = asyncio.create_task(intake.run())
        await until(lambda: intake.pending == BATCH)
        assert cache.batches == 2
        cache.ended.set()
        await intake.quiet()
        run.cancel()
        await asyncio.wait([run])


async def test_a_scan_with_too_many_files_waits_and_a_fresh_file_does_not(
    folder: Path,
) -> None:
    async with intake_of(folder) as intake:
        assert not await would_wait(intake, nowhere(MAX_SETTLING - 1), fresh=False)
        assert await would_wait(intake, nowhere(MAX_SETTLING), fresh=False)
        assert not await would_wait(intake, nowhere(1), fresh=True)


async def test_too_many_fresh_files_wait_too(folder: Path) -> None:
    async with intake_of(folder) as intake:
        for first in range(0, MAX_SETTLING, MANY):
            found = nowhere(MAX_SETTLING)[first : first + MANY]
            assert await would_wait(intake, found, fresh=True) == (first + MANY == MAX_SETTLING)


@pytest.fixture
def readers() -> Iterator[defaultdict[int, Heartbeat]]:
    """Return the readers of two folders, of which the first hangs."""
    readers = defaultdict(Heartbeat, {1: Heartbeat(AT_ONCE), 2: Heartbeat()})
    with readers[1].operation():
        yield readers


def of_second(found: Sequence[tuple[Place, Stat]]) -> list[tuple[Place, Stat]]:
    return [(Place(2, place.directory, place.name), stat) for place, stat in found]


async def test_a_folder_that_hangs_does_not_delay_the_scan_of_another(
    folder: Path, readers: defaultdict[int, Heartbeat]
) -> None:
    async with intake_of(folder, readers=readers) as intake:
        assert await would_wait(intake, nowhere(MAX_SETTLING), fresh=False)
        assert not await would_wait(intake, of_second(nowhere(MAX_SETTLING - 1)), fresh=False)
        assert await would_wait(intake, of_second(nowhere(MAX_SETTLING)), fresh=False)


async def test_a_folder_that_hangs_does_not_keep_the_files_of_another_waiting(
    folder: Path, readers: defaultdict[int, Heartbeat]
) -> None:
    async with intake_of(folder, readers=readers) as intake:
        await intake.offer(b"/nowhere", nowhere(1))
        assert not intake.is_reading
        async with asyncio.timeout(DEADLINE):
            await intake.record_found(2)
        own = asyncio.create_task(intake.record_found(1))
        every = asyncio.create_task(intake.quiet())
        await asyncio.sleep(0)
        assert not own.done()
        assert not every.done()
        own.cancel()
        every.cancel()
        await asyncio.wait([own, every])


class CountedReaders(defaultdict[int, Heartbeat]):
    """Readers that count how often it is checked whether a folder hangs."""

    def __init__(self) -> None:
        super().__init__(None, {1: Heartbeat(), 2: Heartbeat()})
        self.checks = 0

    def __getitem__(self, folder_id: int) -> Heartbeat:
        self.checks += 1
        return super().__getitem__(folder_id)


async def test_scans_that_wait_for_files_check_nothing_for_each_file_that_is_found(
    folder: Path,
) -> None:
    readers = CountedReaders()
    async with intake_of(folder, readers=readers) as intake:
        await intake.offer(b"/nowhere", nowhere(MANY))
        ends = [asyncio.create_task(intake.record_found(2)) for _ in range(20)]
        await asyncio.sleep(0)
        readers.checks = 0
        for found in of_second(nowhere(20)):
            await intake.offer(b"/nowhere", [found])
            await asyncio.sleep(0)
        assert readers.checks < 100
        for end in ends:
            end.cancel()
        await asyncio.wait(ends)


async def test_one_of_many_scans_that_wait_for_room_checks_after_each_change(folder: Path) -> None:
    readers = CountedReaders()
    async with intake_of(folder, readers=readers) as intake:
        files = nowhere(MAX_SETTLING + 50)
        offers = [asyncio.create_task(intake.offer(b"/nowhere", files[:MAX_SETTLING]))]
        offers += [asyncio.create_task(intake.offer(b"/nowhere", files)) for _ in range(50)]
        await asyncio.sleep(0)
        readers.checks = 0
        for _ in range(20):
            assert await intake.offer_fresh(b"/nowhere", of_second(nowhere(1)))
            await asyncio.sleep(0)
        assert readers.checks < 500
        assert not any(offer.done() for offer in offers)
        for offer in offers:
            offer.cancel()
        await asyncio.wait(offers)


async def test_a_folder_that_hangs_is_read_as_soon_as_it_responds(
    folder: Path,
) -> None:
    (folder / "a.jpg").write_bytes(picture(1))
    readers = defaultdict(Heartbeat, {1: Heartbeat(AT_ONCE)})
    images: list[bool] = []
    async with intake_of(folder, images, readers=readers) as intake:
        run = asyncio.create_task(intake.run())
        with readers[1].operation():
            found = [(Place(1, b"", b"a.jpg"), stat_of((folder / "a.jpg").stat()))]
            await intake.offer(bytes(folder), found)
            for _ in range(5):
                await asyncio.sleep(0)  # until the readers wait
            assert intake.pending == 1
        await until(lambda: images == [False])
        run.cancel()
        await asyncio.wait([run])


async def test_of_a_burst_only_recently_changed_files_are_fresh(
    folder: Path,
) -> None:
    (folder / "new.jpg").write_bytes(picture(1))
    new = (Place(1, b"", b"new.jpg"), stat_of((folder / "new.jpg").stat()))
    async with intake_of(folder) as intake:
        assert not await intake.offer_fresh(bytes(folder), [*nowhere(MANY, AHEAD), new])
        assert intake.pending == 1
        assert await intake.offer_fresh(bytes(folder), nowhere(MANY))
        assert intake.pending == 1 + MANY


async def test_the_old_files_of_a_burst_are_found_by_a_scan(tmp_path: Path, rig: Rig) -> None:
    arriving = tmp_path / "arriving"
    arriving.mkdir()
    for i in range(10):
        (arriving / f"{i}.jpg").write_bytes(picture(i, width=8, height=8))
    async with open_ledger(rig.ledger) as ledger:
        ((name, folder_id),) = (await declare(rig.config(), ledger)).items()
        cache = ContentCache(0)
        recorder = Recorder(ledger, cache, lambda *_: None, lambda _: [])
        burst = Burst(files=3, recent=0.0)
        intake = Intake(recorder, cache, 0.0, defaultdict(Heartbeat), burst)
        settings = MonitorSettings(rescan=3600.0)
        folder = rig.config().folders[name]
        monitor = FolderMonitor(folder_id, folder, ledger, intake, settings, changed=lambda: None)
        running = asyncio.gather(intake.run(), monitor.run(), return_exceptions=True)
        rig.write("first.jpg", picture(99))
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(1,)])
        arriving.rename(rig.folder / "arrived")
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(11,)])
        running.cancel()
        await asyncio.wait([running])


async def test_targeted_files_are_found_if_they_are_new_or_changed(folder: Path) -> None:
    for name in ("known.jpg", "new.jpg", "changed.jpg"):
        (folder / name).write_bytes(picture(1))
    (folder / "link.jpg").symlink_to("known.jpg")
    below = ScanTarget(b"below", deep=True)
    targets = [
        ScanTarget(b"", deep=False, file=b"%b.jpg" % n) for n in (b"known", b"new", b"changed")
    ]
    async with intake_of(folder):
        pass  # the ledger exists
    async with open_ledger(folder.with_name("ledger.db")) as ledger:
        for name, size in (("known.jpg", 0), ("changed.jpg", 1)):
            stat = stat_of((folder / name).stat())
            place = Place(1, b"", os.fsencode(name))
            recorded = msgspec.structs.replace(stat, size=stat.size + size)
            await ledger.write(record_all([(place, recorded, "-")]))
        found, left = check_files(ledger.path, tree_of(folder), [*targets, below])
        assert {place.name for place, _ in found} == {b"new.jpg", b"changed.jpg"}
        assert [stat for _, stat in found] == [
            stat_of((folder / os.fsdecode(place.name)).stat()) for place, _ in found
        ]
        assert left == {below}
        for odd in (b"link.jpg", b"gone.jpg"):
            target = ScanTarget(b"", deep=False, file=odd)
            found, left = check_files(ledger.path, tree_of(folder), [target, below])
            assert not found
            assert left == {ScanTarget(b"", deep=False), below}
