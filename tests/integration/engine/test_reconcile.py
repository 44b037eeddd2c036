"""The reconcile pass on a real ledger: clocks that jump, files that come back, cases."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from syncd.engine.reconcile import Grace, Reconcile
from syncd.ledger import condemned, deletions, files, folders, replicas
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
    """A folder that propagates deletions, with `count` files, each held by one account."""
    folder = await ledger.write(
        folders.declare(FolderName("spring"), b"/spring", [ONE], Deletions.PROPAGATE)
    )
    await put(ledger, folder, *range(count))
    held = [(digest(n), Entry(hash=ImageHash(f"{n:032x}"))) for n in range(count)]
    await ledger.write(replicas.record_held(ONE, held, 1.0))
    await believed(ledger, folder)
    return folder


async def put(ledger: Ledger, folder: int, *numbers: int) -> None:
    await ledger.write(
        files.record_all(
            [
                (
                    Place(folder, b"", b"%d.jpg" % n),
                    Stat(device=1, inode=n, size=3, mtime_ns=4, ctime_ns=5),
                    Content(digest=digest(n), size=7, format="PNG", width=1, height=1, unfit=None),
                )
                for n in numbers
            ]
        )
    )


async def believed(ledger: Ledger, folder: int, at: float | None = None) -> None:
    when = time.time() if at is None else at
    await ledger.write(folders.trust(folder, RootIdentity(1, 2, 3), "*", 9, when))


async def unlinked(ledger: Ledger, folder: int, *numbers: int, at: float | None = None) -> None:
    known = await ledger.read(files.known_directory(folder, b""))
    assert known.directory_id is not None
    names = [b"%d.jpg" % n for n in numbers]
    await ledger.write(files.mark_missed(7, known.directory_id, names, []))
    await ledger.write(condemned.condemn_missed(7, time.time() if at is None else at))
    await believed(ledger, folder)


async def due(ledger: Ledger) -> list[int]:
    now = time.time()
    await ledger.write(condemned.hold_excess(GRACE.hold))
    found = await ledger.read(deletions.due(ONE, now - DAY, now, 50))
    return [int.from_bytes(image.digest, "big") for image in found]


async def test_an_image_is_due_once_its_grace_is_over(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - DAY + 60)
    await unlinked(ledger, folder, 2, at=time.time() - DAY - 60)
    await Reconcile(ledger, GRACE).run_once(0.0)
    assert await due(ledger) == [2]


async def test_no_time_has_passed_when_only_the_wall_clock_says_so(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)  # by a clock that has jumped since
    with capture_logs() as logs:
        await Reconcile(ledger, GRACE).run_once(2 * DAY)
    assert await due(ledger) == []
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["clock.jumped"]


async def test_a_file_that_comes_back_withdraws_its_deletion_and_begins_anew(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    await put(ledger, folder, 1)
    with capture_logs() as logs:
        await Reconcile(ledger, GRACE).run_once(0.0)
    assert [entry["event"] for entry in logs] == ["deletion.withdrawn"]
    await unlinked(ledger, folder, 1)
    await Reconcile(ledger, GRACE).run_once(0.0)
    assert await due(ledger) == []


async def test_what_no_whole_scan_has_confirmed_is_not_due(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    await believed(ledger, folder, at=time.time() - 3 * DAY)
    assert await due(ledger) == []


async def test_a_doubt_lets_be_what_was_not_confirmed_and_holds_back_the_rest(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    await believed(ledger, folder, at=time.time() - DAY)
    await ledger.write(files.mark_missed(7, 1, [b"2.jpg"], []))
    await ledger.write(condemned.condemn_missed(7, time.time()))
    assert (
        await ledger.write(folders.suspect(folder, "is empty, but had files before", time.time()))
        == 1
    )
    assert await due(ledger) == []
    await believed(ledger, folder)
    assert await due(ledger) == [1]


async def test_too_many_are_one_case_that_is_said_once_and_stays_one(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    reconcile = Reconcile(ledger, GRACE)
    await unlinked(ledger, folder, *range(10), at=time.time() - 2 * DAY)
    with capture_logs() as logs:
        await reconcile.run_once(0.0)
        await unlinked(ledger, folder, 20, at=time.time() - 2 * DAY)
        await reconcile.run_once(0.0)
        await reconcile.run_once(0.0)
    assert await due(ledger) == []
    held = [entry for entry in logs if entry["event"] == "deletions.held"]
    assert [(entry["log_level"], entry["images"]) for entry in held] == [("error", 10)]
    (case,) = await ledger.read(condemned.held_deletions(3))
    assert (case.images, case.files, case.names) == (11, 19, [b"0.jpg", b"1.jpg", b"2.jpg"])
    assert await ledger.write(condemned.approve(FolderName("spring"))) == 11
    await reconcile.run_once(0.0)
    assert len(await due(ledger)) == 11


async def test_a_dismissed_case_is_over_and_its_images_stay(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    reconcile = Reconcile(ledger, GRACE)
    await unlinked(ledger, folder, *range(10), at=time.time() - 2 * DAY)
    await reconcile.run_once(0.0)
    assert await ledger.write(condemned.dismiss(FolderName("spring"))) == 10
    await reconcile.run_once(0.0)
    assert await due(ledger) == []
    assert await ledger.read(condemned.held_deletions(3)) == []


async def test_a_folder_or_mirror_taken_out_of_the_configuration_condemns_nothing(
    ledger: Ledger,
) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    await ledger.write(folders.declare(FolderName("spring"), b"/spring", [], Deletions.PROPAGATE))
    assert await ledger.write(condemned.spare_unrouted()) == 1
    assert await due(ledger) == []


async def test_the_deletions_of_a_folder_that_keeps_its_images_are_none(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    await ledger.write(folders.declare(FolderName("spring"), b"/spring", [ONE]))
    assert await due(ledger) == []
    assert await ledger.write(condemned.spare_unrouted()) == 1


async def test_an_image_that_another_folder_keeps_is_kept(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    other = await ledger.write(folders.declare(FolderName("autumn"), b"/autumn", [ONE]))
    await put(ledger, other, 1)
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    assert await ledger.read(condemned.pending()) == []
    assert await due(ledger) == []


async def test_an_image_whose_hash_another_one_needs_is_needed(ledger: Ledger) -> None:
    folder = await filled(ledger, 30)
    shared = Entry(hash=ImageHash("ff" * 16))
    await ledger.write(replicas.record_held(ONE, [(digest(1), shared), (digest(2), shared)], 1.0))
    before = time.time() - DAY
    await unlinked(ledger, folder, 1, at=time.time() - 2 * DAY)
    facts = await ledger.read(deletions.facts(ONE, digest(1), before))
    assert facts is not None
    assert facts.hash_needed
    await unlinked(ledger, folder, 2, at=time.time() - 2 * DAY)
    facts = await ledger.read(deletions.facts(ONE, digest(1), before))
    assert facts is not None
    assert not facts.hash_needed
