"""Deletions, end to end: what leaves the accounts, and above all what does not."""

import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.ledger import condemned
from syncd.ledger.database import changing
from syncd.model import FolderName
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

PROPAGATE = 'deletions = "propagate"'


def rigged(path: Path, sandbox: Sandbox, **options: object) -> Rig:
    """A rig whose deletions follow at once: no grace, and a scan every second."""
    settings: dict[str, object] = {
        "per_folder": PROPAGATE,
        "watch": 'rescan = "1s"',
        "toml": '[deletions]\ngrace = "0s"\n',
    }
    return Rig(path, sandbox, **(settings | options))  # type: ignore[arg-type]  # by their names


@pytest.fixture
def deleting(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return rigged(tmp_path, sandbox)


async def brought(rig: Rig, *contents: bytes) -> None:
    await until(lambda: all(rig.recorded(content) is not None for content in contents))


async def test_an_image_leaves_the_account_after_its_last_file(deleting: Rig) -> None:
    gone, kept = picture(1), picture(2)
    deleting.write("a.jpg", gone)
    deleting.write("b.jpg", kept)
    async with deleting.running():
        await brought(deleting, gone, kept)
        (deleting.folder / "a.jpg").unlink()
        await until(lambda: not deleting.holds(gone))
        await until(lambda: deleting.recorded(gone) is None)
        await until(lambda: deleting.rows("SELECT * FROM condemned") == [])
        assert deleting.holds(kept)
    assert deleting.sandbox.counts.calls("1", "delete") == 1


async def test_a_rewritten_file_s_old_image_leaves(deleting: Rig) -> None:
    old, new = picture(1), picture(2)
    deleting.write("a.jpg", old)
    async with deleting.running():
        await brought(deleting, old)
        deleting.write("a.jpg", new)
        await brought(deleting, new)
        await until(lambda: not deleting.holds(old))
        assert deleting.holds(new)


async def test_mirrors_are_rid_of_it_too(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = rigged(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    gone, kept = picture(1), picture(2)
    rig.write("a.jpg", gone)
    rig.write("b.jpg", kept)
    async with rig.running():
        await until(lambda: all(rig.recorded(c, a) for c in (gone, kept) for a in "12"))
        (rig.folder / "a.jpg").unlink()
        await until(lambda: not rig.holds(gone, "1") and not rig.holds(gone, "2"))
        assert rig.holds(kept, "1")
        assert rig.holds(kept, "2")


async def deletes_nothing_but(rig: Rig, content: bytes) -> None:
    """Prove that whatever else was to be deleted would be by now: this image is, and came after."""
    await until(lambda: not rig.holds(content))
    await until(lambda: rig.rows("SELECT 1 FROM condemned WHERE note IS NULL") == [])


def condemned_notes(rig: Rig) -> list[str]:
    return [note for (note,) in rig.rows("SELECT note FROM condemned WHERE note IS NOT NULL")]


async def test_what_a_creative_uses_is_kept_and_goes_when_it_is_free(deleting: Rig) -> None:
    used, free = picture(1), picture(2)
    deleting.write("a.jpg", used)
    deleting.write("b.jpg", free)
    deleting.write("c.jpg", picture(3))
    creatives = deleting.sandbox.creatives
    async with deleting.running():
        await brought(deleting, used, free)
        creatives.add("1", str(deleting.recorded(used)))
        (deleting.folder / "a.jpg").unlink()
        await until(lambda: condemned_notes(deleting) == ["a creative or an ad uses it"])
        (deleting.folder / "b.jpg").unlink()
        await deletes_nothing_but(deleting, free)
        assert deleting.holds(used)
    assert deleting.sandbox.counts.calls("1", "delete") == 1


async def test_what_was_there_before_is_somebody_else_s(tmp_path: Path) -> None:
    an_hour_ago = time.time() - 3600
    clock = [an_hour_ago]
    async with Sandbox(Switches(tier="unlimited"), clock=lambda: clock[0]) as sandbox:
        rig = rigged(tmp_path, sandbox)
        content = picture(1)
        rig.write("a.jpg", content)
        rig.write("b.jpg", picture(2))
        async with rig.running():
            await brought(rig, content)
            clock[0] = time.time()
            (rig.folder / "a.jpg").unlink()
            await until(lambda: rig.rows("SELECT 1 FROM condemned") != [])
            await until(lambda: rig.rows("SELECT 1 FROM condemned") == [])
        assert rig.holds(content)
        assert sandbox.counts.calls("1", "delete") == 0


async def test_two_files_of_one_hash_are_held_by_one_image(
    tmp_path: Path,
) -> None:
    async with Sandbox(Switches(tier="unlimited", transcoding="same_picture")) as sandbox:
        rig = rigged(tmp_path, sandbox)
        one = picture(1)
        other = one + b"\x00trailing"
        last = picture(2)
        rig.write("a.jpg", one)
        rig.write("b.jpg", other)
        rig.write("c.jpg", last)
        rig.write("d.jpg", picture(3))
        async with rig.running():
            await brought(rig, one, other, last)
            assert rig.recorded(one) == rig.recorded(other)
            (rig.folder / "a.jpg").unlink()
            await until(
                lambda: condemned_notes(rig) == ["another image that is wanted has the same hash"]
            )
            (rig.folder / "c.jpg").unlink()
            await deletes_nothing_but(rig, last)
            assert rig.recorded(other) is not None
            assert rig.recorded(one) in {image.hash for image in sandbox.library.images("1")}


async def test_success_is_no_proof(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", deletion_lag=float("inf"))) as sandbox:
        rig = rigged(tmp_path, sandbox)
        gone = picture(1)
        rig.write("a.jpg", gone)
        rig.write("b.jpg", picture(2))
        async with rig.running():
            await brought(rig, gone)
            (rig.folder / "a.jpg").unlink()
            await until(lambda: condemned_notes(rig) == ["still there"])
            assert rig.recorded(gone) is None
            assert rig.holds(gone)
        assert sandbox.counts.calls("1", "delete") == 1  # and again only after a while


async def test_too_many_at_once_wait_for_a_person(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = rigged(
        tmp_path,
        sandbox,
        toml='[deletions]\ngrace = "0s"\nhold_above = { images = 2, share = 0.1 }\n',
    )
    contents = [picture(n) for n in range(6)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    async with rig.running():
        await brought(rig, *contents)
        for n in range(3):
            (rig.folder / f"{n}.jpg").unlink()
        await until(
            lambda: rig.rows("SELECT count(*) FROM condemned WHERE standing='held'") == [(3,)]
        )
        with changing(rig.ledger) as db:
            assert condemned.approve(FolderName("spring"))(db) == 3
        await until(lambda: not any(rig.holds(content) for content in contents[:3]))
        assert all(rig.holds(content) for content in contents[3:])


async def test_an_emptied_folder_deletes_nothing(deleting: Rig) -> None:
    contents = [picture(n) for n in range(3)]
    for n, content in enumerate(contents):
        deleting.write(f"{n}.jpg", content)
    async with deleting.running():
        await brought(deleting, *contents)
        await until(lambda: deleting.rows("SELECT believed_at FROM folder") != [(None,)])
        for n in range(3):
            (deleting.folder / f"{n}.jpg").unlink()
        await until(
            lambda: (
                deleting.rows("SELECT doubt FROM folder") == [("is empty, but had files before",)]
            )
        )
        assert deleting.rows("SELECT * FROM condemned") == []
        late = picture(9)
        deleting.write("late.jpg", late)
        await brought(deleting, late)
        await until(lambda: deleting.rows("SELECT doubt FROM folder") == [(None,)])
    assert all(deleting.holds(content) for content in contents)
    assert deleting.sandbox.counts.calls("1", "delete") == 0


async def test_what_is_still_there_after_a_while_is_told_and_deleted_again(tmp_path: Path) -> None:
    switches = Switches(tier="unlimited", deletion_lag=float("inf"))
    async with Sandbox(switches, clock=lambda: time.time() - 3600) as sandbox:
        rig = rigged(tmp_path, sandbox)
        gone = picture(1)
        rig.write("a.jpg", gone)
        rig.write("b.jpg", picture(2))
        with capture_logs() as logs:
            async with rig.running():
                await brought(rig, gone)
                with changing(rig.ledger) as db:
                    db.execute("UPDATE replica SET sent_at = sent_at - 7200")
                (rig.folder / "a.jpg").unlink()
                await until(lambda: condemned_notes(rig) == ["still there"])
                with changing(rig.ledger) as db:  # some minutes pass
                    db.execute("UPDATE condemned SET asked_at = asked_at - 300, not_before = 0")
                await until(lambda: sandbox.counts.calls("1", "delete") == 2)
                await until(lambda: rig.rows("SELECT asked FROM condemned") == [(2,)])
                ((look_at,),) = rig.rows("SELECT not_before FROM condemned")
        assert look_at > time.time() + 120  # slower each time
        told = [entry for entry in logs if entry["event"] == "deletion.unconfirmed"]
        assert [entry["file"] for entry in told] == ["a.jpg"]
