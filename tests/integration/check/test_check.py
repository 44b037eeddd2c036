"""Checks of limits, disks, users and permissions on the real system."""

import errno
import importlib
import os
import pwd
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts
from support.rig import Rig

from syncd.check.facts import LedgerState
from syncd.check.filesystem import mount_of, path_facts, resolve
from syncd.check.fixes import Client, with_access
from syncd.check.ledger import ledger_facts
from syncd.check.permission import closed_to, denied_below
from syncd.check.result import CheckedPath, bad
from syncd.check.user import (
    ImpersonationError,
    UnreadableProgramError,
    current_user,
    run_as,
    user_named,
)
from syncd.check.watch_limit import check_watch_limit
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
            "from pathlib import Path; from syncd.check.ledger import ledger_facts;"
            f"print(ledger_facts(Path('{disk}/ledger.db')).state)"
        )
        assert printed(mounts, program) == str(LedgerState.FULL)
        create = f"from syncd.ledger.file import create; create(Path('{disk}/ledger.db'));"
        assert printed(mounts, program.replace("print", create + "print")) == str(LedgerState.FULL)
        link = rig.path / "link.db"
        link.symlink_to(f"{disk}/ledger.db")
        through = program.replace(f"{disk}/ledger.db", str(link))
        assert printed(mounts, through) == str(LedgerState.FULL)


def printed(mounts: Mounts, program: str) -> str:
    """Return the output of a Python program that sees these mounts."""
    command = [*mounts.under, sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_ledger_of_another_version_or_program_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no ledger" * 100)
    assert ledger_facts(path).state is LedgerState.UNUSABLE
    path.unlink()
    path.mkdir()
    assert ledger_facts(path).state is LedgerState.UNUSABLE
    path.rmdir()
    assert ledger_facts(path).state is LedgerState.SOUND
    assert not path.exists()


def test_a_ledger_without_its_directory_is_reported(tmp_path: Path) -> None:
    assert ledger_facts(tmp_path / "none/ledger.db").state is LedgerState.NO_DIRECTORY


@needs_root
def test_checks_run_with_the_ids_of_another_user_in_a_child_process() -> None:
    mail = user_named("mail", groups=["daemon"])

    def work() -> bytes:
        ids = (*os.getresuid(), *os.getresgid(), *sorted(os.getgroups()), oct(os.umask(0)))
        return repr(ids).encode()

    found = run_as(mail, work)
    uids, gids, groups = [mail.uid] * 3, [mail.gid] * 3, sorted(mail.gids)
    assert found.decode() == repr((*uids, *gids, *groups, "0o77"))
    assert pwd.getpwnam("daemon").pw_gid in mail.gids
    assert os.geteuid() == 0


@needs_root
def test_a_program_that_the_user_cannot_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hidden_module.py").touch()
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)

    def work() -> bytes:
        importlib.import_module("hidden_module")
        return b""

    with pytest.raises(UnreadableProgramError, match="hidden_module"):
        run_as(user_named("mail"), work)


@needs_root
def test_an_exception_in_the_child_process_is_raised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="ran the checks"):
        run_as(user_named("mail"), work)
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
    found = with_access(check, rig.config(), Client(user_named("mail")), None)
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
    top = os.fsencode(tmp_path)
    steps, error = resolve(top + b"/a/link/end")
    here = [step.path.removeprefix(top) for step in steps if top in step.path]
    assert here == [b"", b"/a", b"", b"/real", b"/real/inner", b"/real/inner/end"]
    assert error == 0
    assert steps[-1].inode == (tmp_path / "real/inner/end").stat().st_ino
    (tmp_path / "whole").symlink_to(tmp_path / "real")
    steps, _ = resolve(top + b"/whole/inner")
    assert [step.path for step in steps[-2:]] == [top + b"/real", top + b"/real/inner"]


def test_a_path_resolves_up_to_a_missing_name_or_a_loop(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name, number in (("none/below", errno.ENOENT), ("loop/below", errno.ELOOP)):
        steps, error = resolve(os.fsencode(tmp_path / name))
        assert (steps[-1].path, error) == (os.fsencode(tmp_path), number)


def test_the_facts_about_a_path_include_a_read_only_mount(tmp_path: Path) -> None:
    assert path_facts(b"/proc/sys/fs").error == 0
    found = path_facts(os.fsencode(tmp_path))
    assert found.readable
    assert found.directory
    assert not found.read_only
    with own_mounts(tmp_path) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "ro", "none", tmp_path)
        program = (
            "from syncd.check.filesystem import path_facts;"
            f"print(path_facts({os.fsencode(tmp_path)!r}).read_only)"
        )
        assert printed(mounts, program) == "True"


def test_proc_has_no_acls_and_the_test_directory_has(tmp_path: Path) -> None:
    assert not mount_of(b"/proc").acls
    assert mount_of(b"/proc").kind == "proc"
    assert mount_of(os.fsencode(tmp_path)).acls


@needs_root
def test_the_verdict_on_each_file_agrees_with_an_access_by_that_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_acls = runpy.run_path(str(Path(__file__).parents[2] / "support/setfacl"))["main"]
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
            set_acls("-m", acl, file)
    files = sorted(tmp_path.iterdir())
    for user in (daemon, mail):
        by_user = run_as(user, lambda: bytes(not os.access(file.name, os.R_OK) for file in files))
        denied = sum(by_user)
        assert 0 < denied < len(files)
        tree = denied_below(user, os.fsencode(tmp_path), lambda _path, _directory: True)
        assert tree.own + tree.others == denied + tree.top


@needs_root
def test_a_directory_is_judged_whatever_those_above_it_permit(tmp_path: Path) -> None:
    """The kernel gives the verdict on each directory alone."""
    (tmp_path / "a/b/c").mkdir(parents=True)
    for name, mode in (("a", 0o700), ("a/b", 0o755), ("a/b/c", 0o754)):
        (tmp_path / name).chmod(mode)
    paths = [os.fsencode(tmp_path / name) for name in ("a", "a/b", "a/b/c")]
    assert closed_to(user_named("mail"), paths) == [paths[0], paths[2]]
    assert closed_to(current_user(), paths) == []


@needs_root
def test_what_syncd_does_not_read_is_not_denied(tmp_path: Path) -> None:
    mail = user_named("mail")
    (tmp_path / "b").mkdir(0o700)
    for name, mode in (("1.jpg", 0o600), ("2.jpg", 0o644), ("b/3.jpg", 0o600), ("no", 0o600)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    os.chown(tmp_path / "b/3.jpg", mail.uid, 12)
    (tmp_path / "link.jpg").symlink_to("no")
    tmp_path.chmod(0o755)
    tree = denied_below(mail, os.fsencode(tmp_path), lambda path, _: path != b"no")
    found = (tree.top, tree.own, tree.others, tree.groups, tree.complete)
    # The file of the user itself is readable; its directory, another file's owner and group differ.
    assert found == (False, 0, 2, frozenset({0}), True)
    (tmp_path / "b/3.jpg").chmod(0)
    tree = denied_below(mail, os.fsencode(tmp_path), lambda path, _: path != b"no")
    assert (tree.own, tree.others, tree.groups) == (1, 2, frozenset({0, 12}))
