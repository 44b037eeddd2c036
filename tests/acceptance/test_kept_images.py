"""The real process and images that stay in an account for good, although their files are gone."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import running
from support.reload import reload
from support.rig import until
from support.trial import Trial

from syncd.sandbox.server import Sandbox

SHARED = picture(700)


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox) -> Trial:
    trial = Trial(tmp_path, sandbox, 0)
    trial.rig.write("stays.jpg", picture(500))
    return trial


def add_keep_folder(trial: Trial) -> Path:
    """Add a folder that keeps its images in the account of the folder under test."""
    keep = trial.rig.path / "keep"
    keep.mkdir()
    (keep / "stays.jpg").write_bytes(picture(501))
    table = f'[folders.keep]\npath = "{keep}"\naccount = "main"\n'
    trial.rig.toml = table + trial.rig.toml
    return keep


@pytest.mark.parametrize(
    "order", [("keep",), ("keep", "spring"), ("spring", "keep"), ("both",)], ids=" then ".join
)
async def test_an_image_that_a_keep_folder_had_stays_whichever_file_goes_first(
    trial: Trial, order: Sequence[str]
) -> None:
    files = {"keep": add_keep_folder(trial) / "a.jpg", "spring": trial.rig.folder / "a.jpg"}
    for path in files.values():
        path.write_bytes(SHARED)
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(SHARED) is not None)
        for folder in files:
            await trial.await_scans(daemon, "new_or_changed=0", folder=folder)
        for name in order:
            for path in files.values() if name == "both" else [files[name]]:
                path.unlink()
            for folder in files:
                await trial.await_scans(daemon, folder=folder)
        await trial.delete_control_image(daemon)
        assert trial.rig.holds(SHARED)
        reasons = trial.rig.rows("SELECT reason FROM kept")
        assert reasons == [("keep",)]
        assert await daemon.end() == 0


async def test_a_rename_in_a_keep_folder_keeps_nothing_for_good(trial: Trial) -> None:
    keep, path = add_keep_folder(trial), trial.rig.write("a.jpg", SHARED)
    (keep / "a.jpg").write_bytes(SHARED)
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(SHARED) is not None)
        await trial.await_scans(daemon, "new_or_changed=0", folder="keep")
        (keep / "a.jpg").rename(keep / "b.jpg")
        await until(lambda: trial.rig.rows("SELECT 1 FROM file WHERE name = ?", b"b.jpg") != [])
        await trial.await_scans(daemon, "new_or_changed=0", folder="keep")
        assert trial.rig.rows("SELECT reason FROM kept") == []
        path.unlink()
        await trial.await_scans(daemon, "new_or_changed=0")
        await trial.delete_control_image(daemon)
        assert trial.rig.holds(SHARED)
        assert await daemon.end() == 0


async def test_a_file_deleted_after_its_folder_was_removed_from_the_configuration_leaves_its_image(
    trial: Trial,
) -> None:
    keep = add_keep_folder(trial)
    (keep / "a.jpg").write_bytes(SHARED)
    trial.rig.toml = trial.rig.toml.replace(
        'account = "main"\n', 'account = "main"\ndeletions = "propagate"\n', 1
    )
    with_folder = trial.rig.toml
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(SHARED) is not None)
        await trial.await_scans(daemon, "new_or_changed=0", folder="keep")
        trial.rig.toml = with_folder[with_folder.index("[folders.control]") :]
        await reload(trial.rig, daemon)
        await until(lambda: trial.rig.rows("SELECT 1 FROM kept WHERE reason = 'retired'") != [])
        (keep / "a.jpg").unlink()
        path = trial.rig.write("again.jpg", SHARED)  # another folder of the account has it, too
        await until(lambda: trial.rig.rows("SELECT 1 FROM file WHERE name = ?", b"again.jpg") != [])
        path.unlink()
        await trial.await_scans(daemon, "new_or_changed=0")
        await trial.delete_control_image(daemon)
        assert trial.rig.holds(SHARED)
        assert await daemon.end() == 0


async def test_a_file_deleted_after_its_mirror_was_removed_leaves_its_image_there(
    trial: Trial,
) -> None:
    trial.rig.accounts, trial.rig.mirrors = {"main": "1", "eu": "2"}, ("eu",)
    path = trial.rig.write("a.jpg", SHARED)
    async with running(trial.rig) as daemon:
        await until(lambda: trial.rig.recorded(SHARED, "2") is not None)
        await trial.await_scans(daemon, "new_or_changed=0")
        trial.rig.mirrors = ()
        await reload(trial.rig, daemon)
        await until(lambda: trial.rig.rows("SELECT 1 FROM kept WHERE reason = 'mirror'") != [])
        path.unlink()
        await until(lambda: daemon.logged("image.deleted", "a.jpg"))
        trial.rig.mirrors = ("eu",)  # fed again, it has images that no file needs
        await reload(trial.rig, daemon)
        await trial.await_scans(daemon, "new_or_changed=0")
        await trial.delete_control_image(daemon)
        assert not trial.rig.holds(SHARED)
        assert trial.rig.holds(SHARED, "2")
        assert trial.rig.sandbox.counts.calls("2", "delete") == 0
        assert await daemon.end() == 0
