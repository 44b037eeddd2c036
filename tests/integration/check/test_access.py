"""Advice on read access, carried out on real files: the kernel then permits to read all of it."""

import os
import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import msgspec
import pytest
from support.rig import Rig

from syncd.check.access import (
    PRIVILEGED_GROUPS,
    ClosedDirectory,
    Folder,
    grant_entry,
    grant_read,
    groups_to_try,
    mount_advice,
)
from syncd.check.filesystem import Mount
from syncd.check.fixes import Client, with_access
from syncd.check.permission import UNSEEN, DeniedTree, closed_to, denied_below
from syncd.check.result import Check, CheckedPath, bad
from syncd.check.shell import Command
from syncd.check.user import Group, User, user_named

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: access of another user to files; they need root"
)

set_acls = runpy.run_path(str(Path(__file__).parents[2] / "support/setfacl"))["main"]
USERS = 100  # Debian: base-passwd; no user has that name
MODES = (0o600, 0o644, 0o604, 0o700, 0o750, 0o755, 0o705, 0o310)
NONE_DENIED = DeniedTree(top=False, own=0, others=0, groups=frozenset())
ACLS, NOACL = Mount("ext4", "/"), Mount("ext4", "/", acls=False, noacl=True)
WITHOUT_ACLS = Mount("nfs4", "/", acls=False)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory that has no parents which the start of another pytest closes again."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture
def user() -> User:
    return user_named("mail")


def carry_out(commands: tuple[Command, ...], user: User) -> User:
    """Run the commands, and return the user as it is afterwards."""
    for command in commands:
        words = command.words
        if words[0] == "usermod":
            user = user.with_group(USERS)
            continue
        if words[0] == "setfacl":
            set_acls(*words[1:])
        else:
            subprocess.run(words, check=True)
    return user


def everything(_path: bytes, _directory: bool) -> bool:
    return True


def remade(rig: Rig, top: tuple[int, int, int], file: tuple[int, int, int]) -> None:
    """Make the folder again with one file, from owners, groups and modes."""
    shutil.rmtree(rig.folder)
    rig.folder.mkdir()
    (rig.folder / "1.jpg").touch()
    for path, (owner, group, mode) in ((rig.folder / "1.jpg", file), (rig.folder, top)):
        os.chown(path, owner, group)
        path.chmod(mode)


def denied_check(rig: Rig) -> Check:
    checked = CheckedPath(os.fsencode(rig.folder), denied=True)
    return bad("folder spring", "closed", path=checked)


def test_a_folder_of_any_owner_group_and_mode_is_readable_after_the_commands(
    rig: Rig, user: User
) -> None:
    daemon = user_named("daemon")
    owners, groups = (0, user.uid, daemon.uid), (0, user.gid, daemon.gid, USERS)
    shapes = list(product(owners, groups, MODES))
    config, path = rig.config(), os.fsencode(rig.folder)
    carry_out(with_access(denied_check(rig), config, Client(user), None).commands, user)
    joined = 0
    other = [shapes[number * 7 % len(shapes)] for number in range(len(shapes))]
    alike = [(top, (0, top[1], 0o640)) for top in shapes if top[1] == USERS]
    for top, file in [*zip(shapes, other, strict=True), *alike]:
        remade(rig, top, file)
        commands = with_access(denied_check(rig), config, Client(user), None).commands
        assert bool(commands) is not denied_below(user, path, everything).is_empty
        after = carry_out(commands, user)
        assert denied_below(after, path, everything).is_empty, (top, commands)
        if after != user:
            joined += 1
            assert commands[0].words == ("usermod", "-aG", "users", "mail")
            assert len(commands) == 1
    assert joined > 0


@pytest.mark.parametrize("mode", [0o700, 0o710, 0o701, 0o600])
def test_the_directories_above_can_be_entered_after_the_commands(
    rig: Rig, user: User, mode: int
) -> None:
    """Only the closed ones are changed."""
    path = os.fsencode(rig.folder)
    above = os.fsencode(rig.path)
    rig.path.chmod(mode)
    rig.folder.chmod(0o755)
    commands = with_access(denied_check(rig), rig.config(), Client(user), None).commands
    assert any(command.words[-1] == str(rig.path) for command in commands) is not (mode & 1 == 1)
    carry_out(commands, user)
    assert closed_to(user, [above, path]) == []


@pytest.mark.parametrize("mount", [ACLS, NOACL, WITHOUT_ACLS])
def test_a_directory_is_opened_by_an_acl_or_else_by_a_mode(user: User, mount: Mount) -> None:
    closed = [
        ClosedDirectory("/a", mount, 0, 0),
        ClosedDirectory("/b", mount, user.uid, 0),
        ClosedDirectory("/c", mount, 0, user.gid),
    ]
    words = [command.words for command in grant_entry(user, closed)]
    remount = [("mount", "-o", "remount,acl", "/")] if mount is NOACL else []
    acl = ("setfacl", "-m", "u:mail:x")
    if mount is WITHOUT_ACLS:
        assert words == [("chmod", "o+x", "/a"), ("chmod", "u+x", "/b"), ("chmod", "g+x", "/c")]
    else:
        own = ("chmod", "u+x", "/b")
        assert words == [*remount, (*acl, "/a"), own, *remount, (*acl, "/c")]


DENIED: dict[str, tuple[DeniedTree, list[str]]] = {
    "nothing": (NONE_DENIED, []),
    "files of the user": (msgspec.structs.replace(NONE_DENIED, own=1), ["find"]),
    "others": (msgspec.structs.replace(NONE_DENIED, others=1), ["setfacl"]),
    "both": (msgspec.structs.replace(NONE_DENIED, own=1, others=1), ["find", "setfacl"]),
    "an unknown part": (UNSEEN, ["setfacl"]),
}


@pytest.mark.parametrize("what", DENIED)
def test_a_folder_is_opened_by_an_acl_or_else_by_its_group(user: User, what: str) -> None:
    denied, programs = DENIED[what]

    def used(mount: Mount) -> list[str]:
        return [c.words[0] for c in grant_read(user, Folder("/srv/a", mount, denied), "mail")]

    assert used(ACLS) == programs
    at: Callable[[str], list[str]] = {"setfacl": ["mount", "setfacl"]}.get  # type: ignore[assignment]
    assert used(NOACL) == [one for program in programs for one in at(program) or [program]]
    by_group = [
        one
        for program in programs
        for one in (["chgrp", "chmod", "find"] if program == "setfacl" else [program])
    ]
    assert used(WITHOUT_ACLS) == by_group


@pytest.mark.parametrize("mount", [ACLS, NOACL, WITHOUT_ACLS])
def test_the_user_joins_no_privileged_group_and_no_private_one_where_an_acl_is_possible(
    mount: Mount,
) -> None:
    groups = [Group(number + 1, name) for number, name in enumerate(sorted(PRIVILEGED_GROUPS))]
    private, shared, root = (
        Group(1000, "anna", private=True),
        Group(1200, "creatives"),
        Group(0, "r"),
    )
    denied = msgspec.structs.replace(NONE_DENIED, others=1)
    tried = groups_to_try(Folder("/a", mount, denied), [*groups, root, shared, private])
    assert tried == ([private, shared] if mount is WITHOUT_ACLS else [shared])
    incomplete = msgspec.structs.replace(denied, complete=False)
    assert groups_to_try(Folder("/a", mount, incomplete), [shared]) == []


@pytest.mark.parametrize(
    ("kind", "option"),
    [("vfat", "fmask=0137"), ("ntfs3", "fmask=0137"), ("cifs", "file_mode=0640")],
)
def test_a_file_system_without_owners_gets_mount_options(
    user: User, kind: str, option: str
) -> None:
    mount = Mount(kind, "/media/stick", acls=False)
    advice = mount_advice(user, Folder("/media/stick/a", mount, UNSEEN))
    assert advice is not None
    assert option in advice
    assert f"gid={user.gid}" in advice
    assert "/media/stick" in advice
    assert mount_advice(user, Folder("/a", mount, NONE_DENIED)) is None
    assert mount_advice(user, Folder("/a", ACLS, UNSEEN)) is None
