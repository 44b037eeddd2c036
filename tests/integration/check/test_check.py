"""What `syncd check` finds out about limits, disks, users and rights, on the real system."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from support.mounts import own_mounts
from support.rig import Rig

from syncd.check.filesystem import passage, tree_of, volume_of, way_to
from syncd.check.fixes import completed
from syncd.check.ledger import ledger_usable
from syncd.check.permissions import permits, readable
from syncd.check.perspective import View
from syncd.check.result import Check, Place, State, bad, ok
from syncd.check.user import NobodyError, as_person, oneself, person_named
from syncd.check.watches import watches
from syncd.cli.check import _hung

takes_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT SHOWN: what another user sees; it takes root"
)


@pytest.mark.parametrize(
    ("directories", "folders", "said"),
    [
        (89, 1, None),
        (91, 1, "fs.inotify.max_user_watches=524288"),
        (1, 8, None),
        (1, 9, "fs.inotify.max_user_instances=512"),
    ],
)
def test_a_limit_is_bad_before_it_is_reached(
    tmp_path: Path, directories: int, folders: int, said: str | None
) -> None:
    (tmp_path / "max_user_watches").write_text("100\n")
    (tmp_path / "max_user_instances").write_text("10\n")
    found = watches(tmp_path, directories, folders)
    assert found.ok is (said is None)
    assert [command.reads for command in found.commands] == ([] if said is None else [(said,), ()])


def test_limits_that_are_not_shown_are_not_guessed(tmp_path: Path) -> None:
    assert watches(tmp_path, 10**9, 1).ok


def test_a_ledger_without_room_is_bad(rig: Rig) -> None:
    disk = rig.path / "disk"
    disk.mkdir()
    with own_mounts(disk) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=50m", "none", disk)
        file = rig.write_config()
        file.write_text(file.read_text().replace(str(rig.ledger), f"{disk}/ledger.db"))
        program = (
            "from pathlib import Path; from syncd.check.ledger import ledger_usable;"
            "from syncd.check.user import oneself;"
            f"print(ledger_usable(Path('{disk}/ledger.db'), oneself(), None).said)"
        )
        said = subprocess.run(
            [*mounts.under, sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    assert "50 MB left: make room" in said


def test_a_ledger_of_another_version_or_program_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no ledger" * 100)
    assert ledger_usable(path, oneself(), None).state is State.BAD
    path.unlink()
    assert ledger_usable(path, oneself(), None).ok
    assert not path.exists()


def test_the_directory_that_systemd_makes_need_not_be_there(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert ledger_usable(state / "ledger.db", oneself(), str(state)).ok
    found = ledger_usable(state / "ledger.db", oneself(), None)
    assert found.commands[0].words[:2] == ("install", "-d")


@takes_root
def test_another_user_is_become_whole_and_only_for_a_while() -> None:
    nobody = person_named("nobody", groups=["daemon"])

    def look() -> list[Check]:
        ids = (*os.getresuid(), *os.getresgid(), *sorted(os.getgroups()), oct(os.umask(0)))
        return [ok("ids", repr(ids))]

    (found,) = as_person(nobody, look)
    uids, gids, groups = [nobody.uid] * 3, [nobody.gid] * 3, sorted(nobody.gids)
    assert found.said == repr((*uids, *gids, *groups, "0o77"))
    assert pwd.getpwnam("daemon").pw_gid in nobody.gids
    assert os.geteuid() == 0


@takes_root
def test_what_breaks_while_it_looks_is_not_taken_for_good(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def look() -> list[Check]:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="looked as nobody"):
        as_person(person_named("nobody"), look)
    assert "ZeroDivisionError" in capfd.readouterr().err


@takes_root
@pytest.mark.parametrize("there", [True, False])
def test_where_there_is_no_setfacl_its_package_is_named(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    rig.folder.chmod(0o700)
    tool = rig.path / "bin/setfacl"
    tool.parent.mkdir()
    tool.touch(0o755)
    monkeypatch.setenv("PATH", str(tool.parent) if there else "/nowhere")
    check = bad("folder spring", "closed", place=Place(os.fsencode(rig.folder), closed=True))
    found = completed(check, rig.config(), View(person_named("nobody")))
    assert found.commands[-1].words[:2] == ("setfacl", "-Rm")
    assert ("comes with the package acl" in found.said) is not there


def test_a_terminal_breaks_a_sentence_below_its_own_beginning() -> None:
    said = "one two three " * 10 + "/a/path/that/is/longer/than/the/line" * 3
    lines = _hung("BAD folder  ", said, 80).splitlines()
    assert [line[:12] for line in lines] == ["BAD folder  ", *[" " * 12] * (len(lines) - 1)]
    assert " ".join(line[12:] for line in lines) == said
    assert _hung("BAD folder  ", said, None) == f"BAD folder  {said}"


def test_nobody_is_looked_as_who_is_not() -> None:
    with pytest.raises(NobodyError, match="no user no-such-user"):
        person_named("no-such-user")
    with pytest.raises(NobodyError, match="no group no-such-group"):
        person_named("root", "no-such-group")


def test_a_way_has_every_directory_that_links_lead_through(tmp_path: Path) -> None:
    (tmp_path / "real/inner/end").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/link").symlink_to("../real/inner")
    found = [step.path for step in way_to(os.fsencode(tmp_path / "a/link/end"))]
    here = [path.removeprefix(str(tmp_path)) for path in found if str(tmp_path) in path]
    assert here == ["", "/a", "", "/real", "/real/inner", "/real/inner/end"]
    (tmp_path / "whole").symlink_to(tmp_path / "real")
    found = [step.path for step in way_to(os.fsencode(tmp_path / "whole/inner"))]
    assert found[-2:] == [f"{tmp_path}/real", f"{tmp_path}/real/inner"]


def test_a_way_ends_where_nothing_is_and_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for name in ("none/below", "circle/below"):
        assert way_to(os.fsencode(tmp_path / name))[-1].path == str(tmp_path)


def test_what_takes_no_acl_is_told_from_what_has_none(tmp_path: Path) -> None:
    assert not volume_of(b"/proc").acls
    assert volume_of(b"/proc").kind == "proc"
    assert volume_of(os.fsencode(tmp_path)).acls


@takes_root
def test_modes_and_acls_are_read_as_the_system_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made of the bits is what the kernel says, for a user of each class."""
    setfacl = Path(__file__).parents[2] / "support/setfacl"
    tmp_path.chmod(0o711)
    monkeypatch.chdir(tmp_path)  # the directories above are closed to others
    daemon, nobody = person_named("daemon"), person_named("nobody")
    for number, (mode, owner, group, acl) in enumerate(
        (mode, owner, group, acl)
        for mode in (0o600, 0o640, 0o604, 0o044, 0o400, 0o070)
        for owner in (0, daemon.uid)
        for group in (0, daemon.gid)
        for acl in (None, "u:daemon:r", "u:nobody:r", "u:daemon:w")
    ):
        file = tmp_path / str(number)
        file.touch()
        os.chown(file, owner, group)
        file.chmod(mode)
        if acl is not None:
            subprocess.run([setfacl, "-m", acl, file], check=True)
    files = sorted(tmp_path.iterdir())
    for person in (daemon, nobody):
        (kernel,) = as_person(
            person, lambda: [ok("", repr([os.access(file.name, os.R_OK) for file in files]))]
        )
        ours = [readable(passage(os.fsencode(file)).rights, person) for file in files]
        assert kernel.said == repr(ours)
        assert True in ours
        assert False in ours


def test_a_tree_has_each_kind_of_rights_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir(0o755)
    for name in ("1.jpg", "2.jpg", "b/3.jpg"):
        (tmp_path / name).touch(0o644)
    (tmp_path / "skipped").touch(0o600)
    (tmp_path / "link.jpg").symlink_to("skipped")
    tree = tree_of(passage(os.fsencode(tmp_path)), lambda path, _: path != b"skipped")
    assert {(r.directory, r.mode) for r in tree.below} == {(True, 0o755), (False, 0o644)}
    assert tree.whole
    assert all(permits(r, oneself(), 4) for r in tree.below)
