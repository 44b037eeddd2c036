"""The reconcile pass on a real ledger: wrong clocks, files that return, held deletions."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from syncd.engine.reconcile import Grace, Reconcile
from syncd.ledger import condemned, deletions, files, folders, missed, replicas
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import (
    AccountId,
    Deletions,
    Digest,
    Entry,
    FolderName,
    HoldAbove,
    ImageHash,
    Moment,
    RootIdentity,
    Stat,
)

ONE = AccountId("1")
DAY = 24 * 3600.0
GRACE = Grace(DAY, HoldAbove(2, 0.1))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


async def filled(ledger: Ledger, count: int) -> int:
    """Declare a folder that propagates deletions, with `count` files that an account holds."""
    folder = await ledger.write(
        folders.declare(FolderName("spring"), b"/spring", [ONE], Deletions.PROPAGATE)
    )
    await put(ledger, folder, *range(count))
    held = [(digest(n), Entry(hash=ImageHash(f"{n:032x}"))) for n in range(count)]
    await ledger.write(replicas.record_held(ONE, held, 1.0))
    await trust(ledger, folder)
    return folder


async def put(ledger: Ledger, folder: int, *numbers: int, content: int | None = None) -> None:
    await ledger.write(
        files.record_all(
            [
                (
                    Place(folder, b"", b"%d.jpg" % n),
                    Stat(device=1, inode=n, size=3 + (content is not None), mtime_ns=4, ctime_ns=5),
                    Content(
                        digest=digest(n if content is None else content),
                        size=7,
                        format="PNG",
                        width=1,
                        height=1,
                        unfit=None,
                    ),
                )
                for n in numbers
            ]
        )
    )


def moment(ledger: Ledger, ago: float) -> Moment:
    now = ledger.now()
    return Moment(now.at - ago, now.age - ago)


async def trust(ledger: Ledger, folder: int, ago: float = 0.0) -> None:
    await ledger.write(
        folders.trust(
            folder,
            RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False),
            "*",
            9,
            moment(ledger, ago),
        )
    )


async def unlink(ledger: Ledger, folder: int, *numbers: int, ago: float = 0.0) -> None:
    known = await ledger.read(files.known_directory(folder, b""))
    assert known.directory_id is not None
    names = [b"%d.jpg" % n for n in numbers]
    await ledger.write(missed.mark(7, known.directory_id, names, []))
    await ledger.write(condemned.condemn_missed(7, moment(ledger, ago)))
    await trust(ledger, folder)


async def due(ledger: Ledger) -> list[int]:
    age = ledger.now().age
    await ledger.write(condemned.hold_excess(GRACE.hold, age))
    found = await ledger.read(deletions.due(ONE, age - DAY, time.time(), 50))
    return [int.from_bytes(image.digest, "big") for image in found]


async def test_an_image_is_due_once_its_grace_has_ended(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=DAY - 60)
    await unlink(ledger, folder, 2, ago=DAY + 60)
    await Reconcile(ledger, GRACE, 180 * DAY).run_once()
    assert await due(ledger) == [2]


@pytest.mark.parametrize("error", [-50 * 365 * DAY, 50 * 365 * DAY])
async def test_a_wrong_wall_clock_neither_shortens_nor_extends_the_grace(
    ledger: Ledger, error: float
) -> None:
    folder = await filled(ledger, 30)
    now = ledger.now()
    for number, age in ((1, now.age), (2, now.age - 2 * DAY)):
        known = await ledger.read(files.known_directory(folder, b""))
        assert known.directory_id is not None
        await ledger.write(missed.mark(7, known.directory_id, [b"%d.jpg" % number], []))
        await ledger.write(condemned.condemn_missed(7, Moment(now.at + error, age)))
    await trust(ledger, folder)
    await Reconcile(ledger, GRACE, 180 * DAY).run_once()
    assert await due(ledger) == [2]


async def test_the_grace_continues_after_a_restart_without_the_time_between(tmp_path: Path) -> None:
    path = tmp_path / "restarted.db"
    async with open_ledger(path) as ledger:
        await ledger.write(condemned.hold_excess(GRACE.hold, 1000.0))
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    async with open_ledger(path) as ledger:
        age = ledger.now().age
    assert 1000.0 <= age <= 1000.0 + time.clock_gettime(time.CLOCK_BOOTTIME) - before


async def test_the_age_is_never_less_than_that_of_a_scan_which_no_pass_has_recorded(
    tmp_path: Path,
) -> None:
    path = tmp_path / "killed.db"
    async with open_ledger(path) as ledger:
        folder = await filled(ledger, 3)
        await trust(ledger, folder, ago=-500.0)
    async with open_ledger(path) as ledger:
        assert ledger.now().age >= 500.0


async def test_an_image_of_a_rewritten_file_is_not_due_before_a_pass_has_begun_its_grace(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await put(ledger, folder, 1, content=40)
    await ledger.write(
        replicas.record_held(ONE, [(digest(40), Entry(hash=ImageHash("40" * 16)))], 1.0)
    )
    await trust(ledger, folder)
    much_later = ledger.now().age + 10 * DAY
    assert await ledger.read(deletions.due(ONE, much_later, time.time(), 50)) == []
    assert await due(ledger) == []
    await trust(ledger, folder)
    assert await due(ledger) == []
    (image,) = await ledger.read(deletions.due(ONE, much_later, time.time(), 50))
    assert image.digest == digest(1)


async def test_a_file_that_returns_withdraws_its_deletion_and_restarts_the_grace(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    await put(ledger, folder, 1)
    with capture_logs() as logs:
        await Reconcile(ledger, GRACE, 180 * DAY).run_once()
    assert [entry["event"] for entry in logs] == ["deletion.withdrawn"]
    await unlink(ledger, folder, 1)
    await Reconcile(ledger, GRACE, 180 * DAY).run_once()
    assert await due(ledger) == []


async def test_an_image_is_not_due_before_a_full_scan_has_confirmed_its_deletion(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    await trust(ledger, folder, ago=3 * DAY)
    assert await due(ledger) == []


async def test_after_a_start_an_image_is_not_due_before_a_whole_scan_has_ended(
    ledger: Ledger,
) -> None:
    """Its file may have returned while no daemon ran."""
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    assert await due(ledger) == [1]
    await ledger.write(condemned.await_scans(ledger.now().age))
    assert await due(ledger) == []
    await trust(ledger, folder)
    assert await due(ledger) == [1]


async def test_a_suspect_folder_withdraws_unconfirmed_deletions_and_delays_the_rest(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    await trust(ledger, folder, ago=DAY)
    await ledger.write(missed.mark(7, 1, [b"2.jpg"], []))
    await ledger.write(condemned.condemn_missed(7, ledger.now()))
    assert (
        await ledger.write(folders.suspect(folder, "is empty, but had files before", time.time()))
        == 1
    )
    assert await due(ledger) == []
    await trust(ledger, folder)
    assert await due(ledger) == [1]


async def test_too_many_deletions_are_held_together_and_logged_once(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    reconcile = Reconcile(ledger, GRACE, 180 * DAY)
    await unlink(ledger, folder, *range(10), ago=2 * DAY)
    with capture_logs() as logs:
        await reconcile.run_once()
        await unlink(ledger, folder, 20, ago=2 * DAY)
        await reconcile.run_once()
        await reconcile.run_once()
    assert await due(ledger) == []
    held = [entry for entry in logs if entry["event"] == "deletions.held"]
    assert [(entry["log_level"], entry["images"]) for entry in held] == [("error", 10)]
    (held_now,) = await ledger.read(condemned.held_deletions(3))
    assert (held_now.images, held_now.files, held_now.names) == (
        11,
        19,
        [b"0.jpg", b"1.jpg", b"2.jpg"],
    )
    assert await ledger.write(condemned.approve(FolderName("spring"))) == 11
    await reconcile.run_once()
    assert len(await due(ledger)) == 11


async def test_dismissed_deletions_are_dropped_and_their_images_stay(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    reconcile = Reconcile(ledger, GRACE, 180 * DAY)
    await unlink(ledger, folder, *range(10), ago=2 * DAY)
    await reconcile.run_once()
    assert await ledger.write(condemned.dismiss(FolderName("spring"))) == 10
    await reconcile.run_once()
    assert await due(ledger) == []
    assert await ledger.read(condemned.held_deletions(3)) == []


async def test_a_folder_without_a_route_to_the_account_deletes_nothing(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    await ledger.write(folders.declare(FolderName("spring"), b"/spring", [], Deletions.PROPAGATE))
    assert await ledger.write(condemned.spare_unrouted()) == 1
    assert await due(ledger) == []


async def test_a_folder_that_no_longer_propagates_deletes_nothing(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    await ledger.write(folders.declare(FolderName("spring"), b"/spring", [ONE]))
    assert await due(ledger) == []
    assert await ledger.write(condemned.spare_unrouted()) == 1


async def test_an_image_that_another_folder_wants_is_kept(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    other = await ledger.write(folders.declare(FolderName("autumn"), b"/autumn", [ONE]))
    await put(ledger, other, 1)
    await unlink(ledger, folder, 1, ago=2 * DAY)
    assert await ledger.read(condemned.pending()) == []
    assert await due(ledger) == []


async def test_an_image_is_needed_while_another_wanted_image_has_its_hash(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    shared = Entry(hash=ImageHash("ff" * 16))
    await ledger.write(replicas.record_held(ONE, [(digest(1), shared), (digest(2), shared)], 1.0))
    before = ledger.now().age - DAY
    await unlink(ledger, folder, 1, ago=2 * DAY)
    facts = await ledger.read(deletions.facts(ONE, digest(1), before))
    assert facts is not None
    assert facts.hash_needed
    await unlink(ledger, folder, 2, ago=2 * DAY)
    facts = await ledger.read(deletions.facts(ONE, digest(1), before))
    assert facts is not None
    assert not facts.hash_needed
