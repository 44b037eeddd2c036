"""An account that a folder no longer names keeps its images, and a start says so once."""

from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox


async def started(rig: Rig) -> list[EventDict]:
    """Start and end the daemon's loops; answer which accounts it said were taken out."""
    with capture_logs() as said:
        async with rig.running():
            pass
    return [line for line in said if line["event"] == "mirror.removed"]


async def brought(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: bool(rig.recorded(content) and rig.recorded(content, "2")))


async def test_a_start_without_a_mirror_says_once_what_becomes_of_its_images(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await brought(rig)
    assert await started(rig) == []
    rig.mirrors = ()
    (said,) = await started(rig)
    assert (said["folder"], said["account"], said["log_level"]) == ("spring", "eu", "notice")
    assert "stay" in said["note"]
    assert await started(rig) == []
    assert rig.holds(picture(1), "2")
    assert sandbox.counts.calls("2", "delete") == 0


async def test_an_account_that_left_the_configuration_too_is_said_by_its_id(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await brought(rig)
    rig.accounts, rig.mirrors = {"main": "1"}, ()
    (said,) = await started(rig)
    assert said["account"] == "2"


async def test_a_folder_that_changes_its_account_leaves_the_old_one_as_it_is(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await brought(rig)
    rig.accounts, rig.mirrors = {"eu": "2", "main": "1"}, ()
    (said,) = await started(rig)
    assert said["account"] == "main"
    assert rig.holds(picture(1), "1")
