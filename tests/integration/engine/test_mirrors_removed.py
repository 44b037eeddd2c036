"""An account that a folder no longer names keeps its images, and a start logs it once."""

from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox


async def removals(rig: Rig) -> list[EventDict]:
    """Start and stop the daemon; return the `mirror.removed` events."""
    with capture_logs() as logs:
        async with rig.running():
            pass
    return [line for line in logs if line["event"] == "mirror.removed"]


async def upload_to_both(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: bool(rig.recorded(content) and rig.recorded(content, "2")))


async def test_the_first_start_without_a_mirror_logs_that_its_images_stay(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await upload_to_both(rig)
    assert await removals(rig) == []
    rig.mirrors = ()
    (removed,) = await removals(rig)
    assert (removed["folder"], removed["account"], removed["log_level"]) == (
        "spring",
        "eu",
        "notice",
    )
    assert "stay" in removed["note"]
    assert await removals(rig) == []
    assert rig.holds(picture(1), "2")
    assert sandbox.counts.calls("2", "delete") == 0


async def test_a_removed_account_that_is_no_longer_configured_is_logged_with_its_id(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await upload_to_both(rig)
    rig.accounts, rig.mirrors = {"main": "1"}, ()
    (removed,) = await removals(rig)
    assert removed["account"] == "2"


async def test_a_folder_with_a_new_account_leaves_the_images_of_the_old_one(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    await upload_to_both(rig)
    rig.accounts, rig.mirrors = {"eu": "2", "main": "1"}, ()
    (removed,) = await removals(rig)
    assert removed["account"] == "main"
    assert rig.holds(picture(1), "1")
