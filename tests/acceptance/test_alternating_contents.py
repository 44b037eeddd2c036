"""The real process and files whose contents alternate: the account equals the folder at the end."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import running
from support.rig import until
from support.trial import Trial

from syncd.sandbox.server import Sandbox

A, B, C, D = (picture(i) for i in range(600, 604))

CONDEMNED_AND_WANTED = """
    SELECT count(*)
    FROM deletion
    JOIN replica USING (account_id, image_id)
    WHERE replica.wanted = 1 AND deletion.state IN ('waiting', 'held', 'approved')
"""


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox) -> Trial:
    trial = Trial(tmp_path, sandbox, 0)
    trial.rig.write("stays.jpg", picture(500))
    return trial


def check_out(folder: Path, tree: Mapping[str, bytes]) -> None:
    """Make the folder contain these files as git does: unlink, then create."""
    for path in folder.glob("*.jpg"):
        if path.read_bytes() != tree.get(path.name):
            path.unlink()
    for name, content in tree.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(content)


def swap_three(folder: Path) -> None:
    """Give each of three files the name of the next one."""
    (folder / "a.jpg").rename(folder / "aside")
    (folder / "b.jpg").rename(folder / "a.jpg")
    (folder / "c.jpg").rename(folder / "b.jpg")
    (folder / "aside").rename(folder / "c.jpg")


async def await_equal(trial: Trial) -> None:
    """Wait until the account holds exactly the images of the folder and of the control folder."""
    files = [*trial.rig.folder.glob("*.jpg"), *(trial.rig.path / "control").glob("*.jpg")]
    wanted = {sha256(path.read_bytes()).hexdigest() for path in files}

    def is_equal() -> bool:
        assert trial.rig.rows(CONDEMNED_AND_WANTED) in ([], [(0,)])
        return {image.sha256 for image in trial.rig.sandbox.library.images("1")} == wanted

    await until(is_equal)


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "each one held"])
async def test_a_file_that_gets_earlier_contents_again_leaves_the_last_in_the_account(
    trial: Trial, waits: bool
) -> None:
    path = trial.rig.write("a.jpg", A)
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(A) is not None)
        for content in (B, A, B, A, B):
            path.unlink()
            path.write_bytes(content)
            if waits:
                await await_equal(trial)
        await await_equal(trial)
        await trial.await_scans(daemon, "new_or_changed=0")
        await await_equal(trial)
        assert not daemon.logged("daemon.crashed")
        assert await daemon.end() == 0


async def test_contents_that_alternate_within_the_grace_condemn_only_the_one_that_is_gone(
    trial: Trial,
) -> None:
    trial.rig.toml = trial.rig.toml.replace('grace = "0s"', 'grace = "1h"')
    path = trial.rig.write("a.jpg", A)
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(A) is not None)
        for content, other in ((B, A), (A, B), (B, A), (A, B)):
            path.unlink()
            path.write_bytes(content)
            await await_condemned(trial, other, held=content)
        assert trial.rig.sandbox.counts.calls("1", "delete") == 0
        assert await daemon.end() == 0


async def await_condemned(trial: Trial, content: bytes, *, held: bytes) -> None:
    """Wait until exactly the image with this content is condemned, and the other one held."""
    digest = sha256(content).digest()
    condemned = "SELECT sha256 FROM deletion JOIN image ON id = image_id WHERE state <> 'withdrawn'"
    await until(lambda: trial.rig.recorded(held) is not None)
    await until(lambda: trial.rig.rows(condemned) == [(digest,)])


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "each one scanned"])
async def test_three_files_that_swap_names_cost_no_call(trial: Trial, waits: bool) -> None:
    check_out(trial.rig.folder, {"a.jpg": A, "b.jpg": B, "c.jpg": C, "stays.jpg": picture(500)})
    async with running(trial.rig) as daemon:
        await await_equal(trial)
        await trial.await_scans(daemon, "new_or_changed=0")
        for _ in range(4):
            swap_three(trial.rig.folder)
            if waits:
                await trial.await_scans(daemon, "new_or_changed=0")
        await trial.await_scans(daemon, "new_or_changed=0")
        await trial.delete_control_image(daemon)
        await await_equal(trial)
        assert trial.rig.sandbox.counts.calls("1", "delete") == 1  # that of the control image
        assert trial.rig.sandbox.counts.repeated_uploads("1") == 0
        assert await daemon.end() == 0


@pytest.mark.parametrize("last", [0, 1])
async def test_branches_that_are_checked_out_in_turn_leave_the_last_in_the_account(
    trial: Trial, last: int
) -> None:
    stays = {"stays.jpg": picture(500)}
    branches = [
        {**stays, "a.jpg": A, "b.jpg": B, "c.jpg": C},
        {**stays, "a.jpg": B, "c.jpg": D, "d.jpg": A},
    ]
    check_out(trial.rig.folder, branches[0])
    async with running(trial.rig) as daemon:
        await await_equal(trial)
        for turn in range(5 + last):
            check_out(trial.rig.folder, branches[(turn + 1) % 2])
        check_out(trial.rig.folder, branches[last])
        await await_equal(trial)
        await trial.await_scans(daemon, "new_or_changed=0")
        await await_equal(trial)
        assert not daemon.logged("daemon.crashed")
        assert await daemon.end() == 0
