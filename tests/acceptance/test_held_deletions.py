"""The real process, and deletions: those that go, and those that wait for a person."""

import json
import signal
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox

ALL, GONE = 100, 30
CONTENTS = [picture(i) for i in range(ALL)]


@pytest.fixture
def library(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """A hundred images in a folder whose deletions follow at once."""
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


async def brought(rig: Rig, daemon: Daemon) -> None:
    """Wait until all are held, and the folder is believed to be as it is."""
    await until(lambda: all(rig.recorded(content) is not None for content in CONTENTS))
    await scanned(daemon)
    await until(lambda: rig.rows("SELECT 1 FROM folder WHERE believed_files = ?", ALL) != [])


async def scanned(daemon: Daemon) -> None:
    """Wait for whole scans that begin after now."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


def unlink(rig: Rig, daemon: Daemon, count: int) -> None:
    """Take the first files away while the daemon does not look."""
    daemon.process.send_signal(signal.SIGSTOP)
    for i in range(count):
        (rig.folder / f"{i}.jpg").unlink()
    daemon.process.send_signal(signal.SIGCONT)


async def asked(rig: Rig, *words: str) -> Ended:
    command, *rest = words
    return await syncd(rig, command, *rest, "--config", str(rig.write_config()))


def deletes(rig: Rig) -> int:
    return rig.sandbox.counts.calls("1", "delete")


def held(rig: Rig) -> list[bool]:
    return [rig.holds(content) for content in CONTENTS]


async def a_case(rig: Rig, daemon: Daemon) -> None:
    """Let it come to a case that waits for a person."""
    await brought(rig, daemon)
    unlink(rig, daemon, GONE)
    await until(lambda: daemon.said("deletions.held"))
    await scanned(daemon)
    assert daemon.count("level=error event=deletions.held", f"images={GONE}") == 1
    assert daemon.count("deletions.held") == 1
    assert deletes(rig) == 0
    assert all(held(rig))


async def test_too_many_at_once_wait_for_a_person_who_lets_them_be(library: Rig) -> None:
    async with running(library) as daemon:
        await a_case(library, daemon)
        listed = (await asked(library, "deletions")).out
        for words in (
            f"folder spring: {GONE} images held for you to decide",
            "30% of what the folder had; 70 files are left",
            "0.jpg, 1.jpg, 10.jpg",
            f"root      {library.folder}",
            "since ",
            "syncd deletions approve spring",
            "syncd deletions dismiss spring",
        ):
            assert words in listed
        status = await asked(library, "status")
        assert f"folder spring: {GONE} images held for you to decide" in status.out
        found = json.loads((await asked(library, "status", "--json")).out)
        assert found["folders"]["spring"]["deletions_held"] == GONE
        dismissed = await asked(library, "deletions", "dismiss", "spring")
        assert dismissed.code == 0
        assert f"{GONE} images of spring will stay" in dismissed.out
        await scanned(daemon)
        assert "nothing waits" in (await asked(library, "deletions")).out
        assert "held for you" not in (await asked(library, "status")).out
        assert await daemon.end() == 0
    async with running(library) as daemon:  # they stay for good
        await scanned(daemon)
        assert not daemon.said("images.marked")
    assert deletes(library) == 0
    assert all(held(library))


async def test_a_case_survives_a_restart_and_goes_when_it_is_approved(library: Rig) -> None:
    async with running(library) as daemon:
        await a_case(library, daemon)
        assert await daemon.end() == 0
    async with running(library) as daemon:
        await until(lambda: daemon.said("deletions.held", f"images={GONE}"))
        await scanned(daemon)
        assert deletes(library) == 0
        (library.folder / "0.jpg").write_bytes(CONTENTS[0])
        await until(lambda: daemon.said("deletion.withdrawn", "0.jpg"))
        assert f"{GONE - 1} images held" in (await asked(library, "deletions")).out
        approved = await asked(library, "deletions", "approve", "spring")
        assert approved.code == 0
        assert f"{GONE - 1} images of spring will be deleted" in approved.out
        await until(lambda: daemon.count("image.deleted") == GONE - 1)
        await scanned(daemon)
        assert held(library) == [i == 0 or i >= GONE for i in range(ALL)]
        assert deletes(library) == GONE - 1
        assert library.sandbox.counts.repeated_uploads("1") == 0
        assert (await asked(library, "deletions", "approve", "spring")).code == 1


async def test_a_folder_that_keeps_its_images_deletes_none(library: Rig) -> None:
    library.per_folder = 'deletions = "keep"'
    async with running(library) as daemon:
        await brought(library, daemon)
        unlink(library, daemon, 5)
        await until(lambda: daemon.said("files.missing"))
        await scanned(daemon)
        assert await daemon.end() == 0
    library.per_folder = 'deletions = "propagate"'  # which is no word about those
    async with running(library) as daemon:
        await scanned(daemon)
        unlinked = library.folder / "7.jpg"
        unlinked.unlink()
        await until(lambda: daemon.said("image.deleted", "7.jpg"))
        await scanned(daemon)
    assert held(library) == [i != 7 for i in range(ALL)]


async def test_a_folder_that_the_configuration_names_no_more_deletes_nothing(library: Rig) -> None:
    async with running(library) as daemon:
        await a_case(library, daemon)
        assert await daemon.end() == 0
    file = library.write_config()
    other = library.path / "other"
    other.mkdir()
    (other / "its.jpg").write_bytes(picture(500))
    text = file.read_text().replace("[folders.spring]", "[folders.autumn]")
    file.write_text(text.replace(str(library.folder), str(other)))
    async with running(library, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.said("folder.retired", "folder=spring"))
        await scanned(daemon)
        (other / "more.jpg").write_bytes(picture(501))
        await until(lambda: library.recorded(picture(501)) is not None)
        await scanned(daemon)
        (other / "its.jpg").unlink()  # and here deletions do go on
        await until(lambda: daemon.said("image.deleted", "its.jpg"))
        await scanned(daemon)
        assert "nothing waits" in (await syncd(library, "deletions", "--config", str(file))).out
    assert deletes(library) == 1
    assert all(held(library))
