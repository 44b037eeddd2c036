"""Advice on read access, carried out in a model of the tools: afterwards everything is readable."""

from itertools import product

import msgspec
import pytest

from syncd.check.access import (
    PRIVILEGED_GROUPS,
    Advice,
    Group,
    Mount,
    PathComponent,
    Tree,
    advise,
    denied_at,
    grant_entry,
)
from syncd.check.permissions import ENTER, AclEntry, Permissions, Tag, User, can_read, permits
from syncd.check.shell import Command

NO_ID = 0xFFFFFFFF
SYNCD = User("syncd", 995, 995, frozenset({995}))
CREATIVES, ANNA, DOCKER = Group(1200, "creatives"), Group(1000, "anna", private=True), 133
GROUPS = {
    0: Group(0, "root"),
    995: Group(995, "syncd", private=True),
    1000: ANNA,
    1200: CREATIVES,
    DOCKER: Group(DOCKER, "docker"),
}
ACLS, NOACL = Mount("ext4", "/"), Mount("ext4", "/", acls=False, noacl=True)
WITHOUT_ACLS = Mount("nfs4", "/", acls=False)
MOUNTS = [ACLS, NOACL, WITHOUT_ACLS]
MODES = (0o000, 0o600, 0o640, 0o644, 0o604, 0o700, 0o750, 0o755, 0o705, 0o310)
SHAPES = [
    (owner, group, mode)
    for owner, group, mode in product((0, 995, 1000), (0, 995, 1000, 1200, DOCKER), MODES)
]


def directory(owner: int, group: int, mode: int) -> Permissions:
    return Permissions(directory=True, owner=owner, group=group, mode=mode)


def file(owner: int, group: int, mode: int) -> Permissions:
    return Permissions(directory=False, owner=owner, group=group, mode=mode)


OPEN = directory(0, 0, 0o755)


def with_acl_entry(permissions: Permissions, grants: int) -> Permissions:
    """Return the permissions after `setfacl -m u:syncd:…`, which also opens the mask."""
    acl = permissions.acl or (
        AclEntry(Tag.OWNER, NO_ID, permissions.mode >> 6 & 7),
        AclEntry(Tag.OWNING_GROUP, NO_ID, permissions.mode >> 3 & 7),
        AclEntry(Tag.OTHER, NO_ID, permissions.mode & 7),
    )
    return msgspec.structs.replace(permissions, acl=(*acl, AclEntry(Tag.USER, SYNCD.uid, grants)))


def with_mode_bits(permissions: Permissions, who: str, letters: str) -> Permissions:
    """Return the permissions after `chmod`."""
    executable = permissions.directory or permissions.mode & 0o111
    enter = "x" in letters or ("X" in letters and executable)
    bits = (4 if "r" in letters else 0) | (1 if enter else 0)
    mode = permissions.mode | bits << {"u": 6, "g": 3, "o": 0}[who]
    return msgspec.structs.replace(permissions, mode=mode)


def carry_out(
    commands: tuple[Command, ...], user: User, parents: list[PathComponent], tree: Tree
) -> tuple[User, list[PathComponent], Tree]:
    """Return the user, the parents and the tree after the commands."""

    def on_tree(change: object) -> Tree:
        assert callable(change)
        top = msgspec.structs.replace(tree.top, permissions=change(tree.top.permissions))
        return Tree(top, frozenset(map(change, tree.below)), tree.complete)

    def on_parent(path: str, change: object) -> list[PathComponent]:
        assert callable(change)
        return [
            msgspec.structs.replace(parent, permissions=change(parent.permissions))
            if parent.path == path
            else parent
            for parent in parents
        ]

    for command in commands:
        match command.words:
            case ("usermod", "-aG", name, "syncd"):
                user = user.with_group(next(g.gid for g in GROUPS.values() if g.name == name))
            case ("setfacl", "-m", "u:syncd:x", path):
                parents = on_parent(path, lambda p: with_acl_entry(p, ENTER))
            case ("setfacl", "-Rm", "u:syncd:rX,d:u:syncd:rX", tree.top.path):
                tree = on_tree(
                    lambda p: with_acl_entry(p, 5 if p.directory or p.mode & 0o111 else 4)
                )
            case ("chmod", "-R", "g+rX", tree.top.path):
                tree = on_tree(lambda p: with_mode_bits(p, "g", "rX"))
            case ("chmod", change, path):
                who, letters = change.split("+")
                parents = on_parent(path, lambda p, w=who, x=letters: with_mode_bits(p, w, x))
            case ("chgrp", "-R", "syncd", tree.top.path):
                tree = on_tree(lambda p: msgspec.structs.replace(p, group=SYNCD.gid))
            case ("find", tree.top.path, "-user", "syncd", "-exec", "chmod", "u+rX", "{}", "+"):
                tree = on_tree(
                    lambda p: with_mode_bits(p, "u", "rX") if p.owner == SYNCD.uid else p
                )
            case ("find", tree.top.path, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"):
                pass
            case ("mount", "-o", "remount,acl", point):
                assert point == "/"
            case words:
                raise AssertionError(words)
    return user, parents, tree


def all_readable(user: User, parents: list[PathComponent], tree: Tree) -> bool:
    return all(permits(parent.permissions, user, ENTER) for parent in parents) and all(
        can_read(permissions, user) for permissions in tree.permissions
    )


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_folder_of_any_owner_group_and_mode_is_readable_after_the_commands(mount: Mount) -> None:
    parents = [PathComponent("/", OPEN, ACLS), PathComponent("/srv", OPEN, mount)]
    for top, below in product(SHAPES, repeat=2):
        tree = Tree(PathComponent("/srv/a", directory(*top), mount), frozenset({file(*below)}))
        advice = advise(SYNCD, parents, tree, GROUPS)
        assert bool(advice.commands) is not all_readable(SYNCD, parents, tree)
        user, changed_parents, changed_tree = carry_out(advice.commands, SYNCD, parents, tree)
        assert all_readable(user, changed_parents, changed_tree), (top, below, advice)
        check_joined_groups(advice, mount)


def check_joined_groups(advice: Advice, mount: Mount) -> None:
    """Assert that a user joins only a group that can already read the folder, and nothing more."""
    joined = [command.words[2] for command in advice.commands if command.words[0] == "usermod"]
    assert advice.adds_group is bool(joined)
    assert not {*joined} & PRIVILEGED_GROUPS
    if joined:
        assert [command.words[0] for command in advice.commands] == ["usermod"]
        assert joined == ["creatives"] or (joined == ["anna"] and mount is WITHOUT_ACLS)


@pytest.mark.parametrize("mount", MOUNTS)
def test_parents_of_any_owner_group_and_mode_can_be_entered_after_the_commands(
    mount: Mount,
) -> None:
    tree = Tree(PathComponent("/a/b/c", OPEN, mount))
    for upper, lower in product(SHAPES, repeat=2):
        parents = [
            PathComponent("/a", directory(*upper), mount),
            PathComponent("/a/b", directory(*lower), mount),
        ]
        commands = grant_entry(SYNCD, parents)
        assert advise(SYNCD, parents, tree, GROUPS) == Advice((), commands)
        user, changed_parents, _ = carry_out(commands, SYNCD, parents, tree)
        assert all_readable(user, changed_parents, tree), (upper, lower, commands)
        denied = [p.path for p in parents if not permits(p.permissions, SYNCD, ENTER)]
        assert [c.words[-1] for c in commands if c.words[0] != "mount"] == denied
        message = denied_at(SYNCD, parents, tree.top)
        assert message == (f"user syncd cannot enter {denied[0]}" if denied else None)


def test_joining_a_group_that_also_opens_the_parents_is_enough() -> None:
    parents = [PathComponent("/srv", directory(0, 1200, 0o750), ACLS)]
    tree = Tree(PathComponent("/srv/a", directory(0, 1200, 0o750), ACLS))
    advice = advise(SYNCD, parents, tree, GROUPS)
    assert advice.commands == (Command(("usermod", "-aG", "creatives", "syncd")),)


def test_the_user_joins_no_group_for_a_folder_that_was_listed_only_in_part() -> None:
    tree = Tree(PathComponent("/srv/a", directory(0, 1200, 0o750), ACLS), complete=False)
    advice = advise(SYNCD, [], tree, GROUPS)
    assert [command.words[0] for command in advice.commands] == ["setfacl"]


def test_acls_that_a_mount_option_disables_are_enabled_first() -> None:
    tree = Tree(PathComponent("/srv/a", directory(0, 0, 0o700), NOACL))
    advice = advise(SYNCD, [], tree, GROUPS)
    assert [command.words[0] for command in advice.commands] == ["mount", "setfacl"]


@pytest.mark.parametrize(
    ("kind", "option"),
    [("vfat", "fmask=0137"), ("ntfs3", "fmask=0137"), ("cifs", "file_mode=0640")],
)
def test_a_file_system_without_owners_gets_mount_options(kind: str, option: str) -> None:
    mount = Mount(kind, "/media/stick", acls=False)
    tree = Tree(PathComponent("/media/stick/a", directory(0, 0, 0o700), mount))
    advice = advise(SYNCD, [], tree, GROUPS)
    assert advice.commands == ()
    assert option in advice.sentences[0]
    assert "gid=995" in advice.sentences[0]
    assert "/media/stick" in advice.sentences[0]
