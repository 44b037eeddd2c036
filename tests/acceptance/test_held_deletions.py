"""The real process and deletions: those that are carried out, and those held for the operator."""

import hashlib
import json
import signal
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, Ended, running, syncd
from support.rig import DELETED_WITHIN, Rig, rig_without_grace, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

ALL, DELETED = 100, 30
CONTENTS = [picture(i) for i in range(ALL)]


@pytest.fixture
def library(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """A hundred images in a folder whose deletions are propagated without a grace period."""
    rig = Rig(
        tmp_path,
        sandbox,
        per_folder='deletions = "propagate"',
        watch='rescan = "1s"',
        toml='[deletions]\ngrace = "0s"\n',
    )
    for i, content in enumerate(CONTENTS):
        rig.write(f"{i}.jpg", content)
    return rig


async def await_trusted(rig: Rig, daemon: Daemon) -> None:
    """Wait until all images are held and a scan of the folder is trusted."""
    await until(lambda: all(rig.recorded(content) is not None for content in CONTENTS))
    await await_scans(daemon)
    await until(lambda: rig.rows("SELECT 1 FROM baseline WHERE files = ?", ALL) != [])


async def await_scans(daemon: Daemon) -> None:
    """Wait for two more scans, the second of which began after this call."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


def unlink(rig: Rig, daemon: Daemon, count: int) -> None:
    """Delete the first `count` files while the daemon is stopped."""
    daemon.process.send_signal(signal.SIGSTOP)
    for i in range(count):
        (rig.folder / f"{i}.jpg").unlink()
    daemon.process.send_signal(signal.SIGCONT)


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


def deletes(rig: Rig) -> int:
    return rig.sandbox.counts.calls("1", "delete")


def held(rig: Rig) -> list[bool]:
    return [rig.holds(content) for content in CONTENTS]


async def hold_deletions(rig: Rig, daemon: Daemon) -> None:
    """Delete too many files at once, and wait until their deletions are held."""
    await await_trusted(rig, daemon)
    unlink(rig, daemon, DELETED)
    await until(lambda: daemon.logged("deletions.held"))
    await await_scans(daemon)
    assert daemon.count("level=error event=deletions.held", f"images={DELETED}") == 1
    assert daemon.count("deletions.held") == 1
    assert deletes(rig) == 0
    assert all(held(rig))


async def test_too_many_deletions_at_once_are_held_and_can_be_dismissed(library: Rig) -> None:
    async with running(library) as daemon:
        await hold_deletions(library, daemon)
        listed = (await command(library, "deletions")).out
        for words in (
            f"folder spring: {DELETED} images held for you to decide",
            "30% of the folder; 70 files remain",
            "0.jpg, 1.jpg, 10.jpg",
            f"root      {library.folder}",
            "since ",
            "syncd deletions approve spring",
            "syncd deletions dismiss spring",
        ):
            assert words in listed
        waiting = json.loads((await command(library, "deletions", "--json")).out)
        assert waiting["deletions"] == [
            {"folder": "spring", "deletion": "held", "images": DELETED, "why": None}
            | {"retry_at": None}
        ]
        (case,) = waiting["deletions_held"]
        assert (case["images"], case["files"]) == (DELETED, ALL - DELETED)
        assert (case["path"], len(case["names"])) == (str(library.folder), 5)
        assert datetime.fromisoformat(case["since"]).tzinfo is not None
        assert [waiting[name] for name in ("suspect", "files_kept", "not_replaced")] == [[], [], []]
        status = await command(library, "status")
        assert f"folder spring: {DELETED} images held for you to decide" in status.out
        found = json.loads((await command(library, "status", "--json")).out)
        assert found["folders"]["spring"]["deletions_held"] == DELETED
        dismissed = await command(library, "deletions", "dismiss", "spring")
        assert dismissed.code == 0
        assert f"{DELETED} images of spring will stay" in dismissed.out
        await await_scans(daemon)
        assert "nothing waits" in (await command(library, "deletions")).out
        waiting = json.loads((await command(library, "deletions", "--json")).out)
        assert (waiting["deletions"], waiting["kept"]) == ([], {"dismissed": DELETED})
        kept = json.loads((await command(library, "deletions", "--kept", "--json")).out)
        assert len(kept) == DELETED
        assert kept[0] == {
            "file": str(library.folder / "0.jpg"),
            "folder": "spring",
            "account": "main",
            "sha256": hashlib.sha256(CONTENTS[0]).hexdigest(),
            "kept": "dismissed",
        }
        assert "held for you" not in (await command(library, "status")).out
        assert await daemon.end() == 0
    async with running(library) as daemon:  # dismissed images stay for good
        await await_scans(daemon)
        assert not daemon.logged("images.marked")
    assert deletes(library) == 0
    assert all(held(library))


async def test_held_deletions_survive_a_restart_and_are_carried_out_once_approved(
    library: Rig,
) -> None:
    async with running(library) as daemon:
        await hold_deletions(library, daemon)
        assert await daemon.end() == 0
    async with running(library) as daemon:
        await until(lambda: daemon.logged("deletions.held", f"images={DELETED}"))
        await await_scans(daemon)
        assert deletes(library) == 0
        (library.folder / "0.jpg").write_bytes(CONTENTS[0])
        await until(lambda: daemon.logged("deletion.withdrawn", "0.jpg"))
        assert f"{DELETED - 1} images held" in (await command(library, "deletions")).out
        approved = await command(library, "deletions", "approve", "spring")
        assert approved.code == 0
        assert f"{DELETED - 1} images of spring will be deleted" in approved.out
        await until(lambda: daemon.count("image.deleted") == DELETED - 1)
        await await_scans(daemon)
        assert held(library) == [i == 0 or i >= DELETED for i in range(ALL)]
        assert deletes(library) == DELETED - 1
        assert library.sandbox.counts.repeated_uploads("1") == 0
        assert (await command(library, "deletions", "approve", "spring")).code == 1


async def test_approved_deletions_are_listed_until_the_images_have_gone(library: Rig) -> None:
    library.sandbox.switches = replace(library.sandbox.switches, deletion_lag=float("inf"))
    async with running(library) as daemon:
        await hold_deletions(library, daemon)
        approved = await command(library, "deletions", "approve", "spring")
        assert approved.code == 0
        await until(lambda: deletes(library) == DELETED)
        listed = (await command(library, "deletions")).out
        assert f"folder spring: {DELETED} images deleted, which a read of the account" in listed
        assert await daemon.end() == 0
    for image in library.sandbox.library.everything("1"):
        if image.gone_at is not None:
            library.sandbox.library.remove("1", image.hash)
    async with running(library) as daemon:  # it looks them up at once, not after a minute
        await until(lambda: daemon.count("image.deleted") == DELETED, DELETED_WITHIN)
        assert "nothing waits" in (await command(library, "deletions")).out


async def test_a_deletion_that_the_account_rejected_is_listed_with_the_reason(
    library: Rig,
) -> None:
    async with running(library) as daemon:
        await await_trusted(library, daemon)
        library.sandbox.faults.add(Fault("100", times=1, on="delete"))
        (library.folder / "0.jpg").unlink()
        await until(lambda: daemon.logged("image.kept", "0.jpg"))
        listed = (await command(library, "deletions")).out
        reason = "folder spring: 1 image not deleted: the account rejected the deletion: 100"
        assert reason in listed
        assert "; asked again at " in listed
        assert "approved" not in listed
        assert await daemon.end() == 0


async def test_an_image_that_syncd_deleted_and_sent_again_is_its_own_whatever_its_date(
    tmp_path: Path,
) -> None:
    switches = Switches(tier="unlimited", upload_of_deleted="revives_as_created")
    async with Sandbox(switches) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        file = rig.write("0.jpg", CONTENTS[0])
        rig.write("1.jpg", CONTENTS[1])
        async with running(rig) as daemon:
            for deletions in (1, 2):
                await until(lambda: rig.holds(CONTENTS[0]) and rig.holds(CONTENTS[1]))
                await await_scans(daemon)
                file.unlink()
                await until(
                    lambda count=deletions: daemon.count("image.deleted") == count,  # type: ignore[misc]  # bound
                    DELETED_WITHIN,
                )
                if deletions == 1:
                    file.write_bytes(CONTENTS[0])
            assert not daemon.logged("image.kept")
        assert deletes(rig) == 2


async def test_a_folder_that_keeps_its_images_deletes_none(library: Rig) -> None:
    library.per_folder = 'deletions = "keep"'
    async with running(library) as daemon:
        await await_trusted(library, daemon)
        unlink(library, daemon, 5)
        await until(lambda: daemon.logged("files.missing"))
        await await_scans(daemon)
        assert await daemon.end() == 0
    library.per_folder = 'deletions = "propagate"'  # this does not apply to earlier deletions
    async with running(library) as daemon:
        await await_scans(daemon)
        unlinked = library.folder / "7.jpg"
        unlinked.unlink()
        await until(lambda: daemon.logged("image.deleted", "7.jpg"))
        await await_scans(daemon)
    assert held(library) == [i != 7 for i in range(ALL)]


async def test_a_folder_removed_from_the_configuration_deletes_nothing(library: Rig) -> None:
    async with running(library) as daemon:
        await hold_deletions(library, daemon)
        assert await daemon.end() == 0
    file = library.write_config()
    other = library.path / "other"
    other.mkdir()
    (other / "its.jpg").write_bytes(picture(500))
    text = file.read_text().replace("[folders.spring]", "[folders.autumn]")
    file.write_text(text.replace(str(library.folder), str(other)))
    async with running(library, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("folder.retired", "folder=spring"))
        await await_scans(daemon)
        (other / "more.jpg").write_bytes(picture(501))
        await until(lambda: library.recorded(picture(501)) is not None)
        await await_scans(daemon)
        (other / "its.jpg").unlink()  # deletions in the other folder are still propagated
        await until(lambda: daemon.logged("image.deleted", "its.jpg"))
        await await_scans(daemon)
        assert "nothing waits" in (await syncd(library, "deletions", "--config", str(file))).out
    assert deletes(library) == 1
    assert all(held(library))
