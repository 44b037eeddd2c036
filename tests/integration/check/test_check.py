"""Checks of limits, disks, users and permissions on the real system."""

import importlib
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from support.mounts import own_mounts
from support.rig import Rig

from syncd.check.filesystem import component_at, mount_of, read_tree, resolve
from syncd.check.fixes import with_fix
from syncd.check.folders import check_watch_limit
from syncd.check.ledger import check_ledger
from syncd.check.permissions import can_read, permits
from syncd.check.perspective import Perspective
from syncd.check.result import Check, CheckedPath, State, bad, ok
from syncd.check.user import ImpersonationError, current_user, run_as, user_named
from syncd.cli.check import print_hanging

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: checks as another user; they need root"
)


@pytest.mark.parametrize(
    ("directories", "folders", "line"),
    [
        (89, 1, None),
        (91, 1, "fs.inotify.max_user_watches=524288"),
        (1, 8, None),
        (1, 9, "fs.inotify.max_user_instances=512"),
    ],
)
def test_a_limit_is_bad_before_the_folders_reach_it(
    tmp_path: Path, directories: int, folders: int, line: str | None
) -> None:
    (tmp_path / "max_user_watches").write_text("100\n")
    (tmp_path / "max_user_instances").write_text("10\n")
    found = check_watch_limit(tmp_path, directories, folders)
    assert found.is_ok is (line is None)
    assert [command.input_lines for command in found.commands] == (
        [] if line is None else [(line,), ()]
    )


def test_an_unreadable_limit_is_ok(tmp_path: Path) -> None:
    assert check_watch_limit(tmp_path, 10**9, 1).is_ok


def test_a_ledger_on_a_full_disk_is_bad(rig: Rig) -> None:
    disk = rig.path / "disk"
    disk.mkdir()
    with own_mounts(disk) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=50m", "none", disk)
        file = rig.write_config()
        file.write_text(file.read_text().replace(str(rig.ledger), f"{disk}/ledger.db"))
        program = (
            "from pathlib import Path; from syncd.check.ledger import check_ledger;"
            "from syncd.check.user import current_user;"
            f"print(check_ledger(Path('{disk}/ledger.db'), current_user(), None).message)"
        )
        output = subprocess.run(
            [*mounts.under, sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    assert "50 MB left: make room" in output


def test_a_ledger_of_another_version_or_program_is_bad(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no ledger" * 100)
    assert check_ledger(path, current_user(), None).state is State.BAD
    path.unlink()
    assert check_ledger(path, current_user(), None).is_ok
    assert not path.exists()


def test_only_the_state_directory_of_a_unit_may_be_absent(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert check_ledger(state / "ledger.db", current_user(), str(state)).is_ok
    found = check_ledger(state / "ledger.db", current_user(), None)
    assert found.commands[0].words[:2] == ("install", "-d")


@needs_root
def test_checks_run_with_the_ids_of_another_user_in_a_child_process() -> None:
    mail = user_named("mail", groups=["daemon"])

    def checks() -> list[Check]:
        ids = (*os.getresuid(), *os.getresgid(), *sorted(os.getgroups()), oct(os.umask(0)))
        return [ok("ids", repr(ids))]

    (found,) = run_as(mail, checks)
    uids, gids, groups = [mail.uid] * 3, [mail.gid] * 3, sorted(mail.gids)
    assert found.message == repr((*uids, *gids, *groups, "0o77"))
    assert pwd.getpwnam("daemon").pw_gid in mail.gids
    assert os.geteuid() == 0


@needs_root
def test_a_program_that_the_user_cannot_read_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hidden_module.py").touch()
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)

    def checks() -> list[Check]:
        importlib.import_module("hidden_module")
        return []

    (found,) = run_as(user_named("mail"), checks)
    assert not found.is_ok
    assert found.subject == "program"
    assert f"mail cannot read the Python that runs syncd, {sys.prefix}" in found.message


@needs_root
def test_an_exception_in_the_child_process_is_raised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def checks() -> list[Check]:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="ran the checks as mail"):
        run_as(user_named("mail"), checks)
    assert "ZeroDivisionError" in capfd.readouterr().err


@needs_root
@pytest.mark.parametrize("installed", [True, False])
def test_the_message_names_the_package_of_a_missing_setfacl(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    rig.folder.chmod(0o700)
    tool = rig.path / "bin/setfacl"
    tool.parent.mkdir()
    tool.touch(0o755)
    monkeypatch.setenv("PATH", str(tool.parent) if installed else "/nowhere")
    check = bad("folder spring", "closed", path=CheckedPath(os.fsencode(rig.folder), denied=True))
    found = with_fix(check, rig.config(), Perspective(user_named("mail")))
    assert found.commands[-1].words[:2] == ("setfacl", "-Rm")
    assert ("is in the package acl" in found.message) is not installed


def test_a_terminal_wraps_a_message_with_a_hanging_indent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "one two three " * 10 + "/a/path/that/is/longer/than/the/line" * 3
    print_hanging("BAD folder  ", text, 80)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == ["BAD folder  ", *[" " * 12] * (len(lines) - 1)]
    assert " ".join(line[12:] for line in lines) == text
    print_hanging("BAD folder  ", text, None)
    assert capsys.readouterr().out == f"BAD folder  {text}\n"


def test_an_unknown_user_or_group_raises_an_error() -> None:
    with pytest.raises(ImpersonationError, match="user no-such-user does not exist"):
        user_named("no-such-user")
    with pytest.raises(ImpersonationError, match="group no-such-group does not exist"):
        user_named("root", "no-such-group")


def test_a_resolved_path_has_every_directory_that_its_links_pass_through(tmp_path: Path) -> None:
    (tmp_path / "real/inner/end").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/link").symlink_to("../real/inner")
    found = [component.path for component in resolve(os.fsencode(tmp_path / "a/link/end"))]
    here = [path.removeprefix(str(tmp_path)) for path in found if str(tmp_path) in path]
    assert here == ["", "/a", "", "/real", "/real/inner", "/real/inner/end"]
    (tmp_path / "whole").symlink_to(tmp_path / "real")
    found = [component.path for component in resolve(os.fsencode(tmp_path / "whole/inner"))]
    assert found[-2:] == [f"{tmp_path}/real", f"{tmp_path}/real/inner"]


def test_a_path_resolves_up_to_a_missing_name_or_a_loop(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in ("none/below", "loop/below"):
        assert resolve(os.fsencode(tmp_path / name))[-1].path == str(tmp_path)


def test_proc_has_no_acls_and_the_test_directory_has(tmp_path: Path) -> None:
    assert not mount_of(b"/proc").acls
    assert mount_of(b"/proc").kind == "proc"
    assert mount_of(os.fsencode(tmp_path)).acls


@needs_root
def test_permissions_from_modes_and_acls_agree_with_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setfacl = Path(__file__).parents[2] / "support/setfacl"
    tmp_path.chmod(0o711)
    monkeypatch.chdir(tmp_path)  # its parents are closed to other users
    daemon, mail = user_named("daemon"), user_named("mail")
    for number, (mode, owner, group, acl) in enumerate(
        (mode, owner, group, acl)
        for mode in (0o600, 0o640, 0o604, 0o044, 0o400, 0o070)
        for owner in (0, daemon.uid)
        for group in (0, daemon.gid)
        for acl in (None, "u:daemon:r", "u:mail:r", "u:daemon:w")
    ):
        file = tmp_path / str(number)
        file.touch()
        os.chown(file, owner, group)
        file.chmod(mode)
        if acl is not None:
            subprocess.run([setfacl, "-m", acl, file], check=True)
    files = sorted(tmp_path.iterdir())
    for user in (daemon, mail):
        (kernel,) = run_as(
            user, lambda: [ok("", repr([os.access(file.name, os.R_OK) for file in files]))]
        )
        ours = [can_read(component_at(os.fsencode(file)).permissions, user) for file in files]
        assert kernel.message == repr(ours)
        assert True in ours
        assert False in ours


def test_a_tree_has_each_combination_of_permissions_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir(0o755)
    for name in ("1.jpg", "2.jpg", "b/3.jpg"):
        (tmp_path / name).touch(0o644)
    (tmp_path / "skipped").touch(0o600)
    (tmp_path / "link.jpg").symlink_to("skipped")
    tree = read_tree(component_at(os.fsencode(tmp_path)), lambda path, _: path != b"skipped")
    assert {(found.directory, found.mode) for found in tree.below} == {
        (True, 0o755),
        (False, 0o644),
    }
    assert tree.complete
    assert all(permits(found, current_user(), 4) for found in tree.below)
