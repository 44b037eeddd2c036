"""Each advice is carried out, in a model of the tools: after it everything can be read."""

from itertools import product

import msgspec
import pytest

from syncd.check.access import (
    JOINED_BY_NOBODY,
    Advice,
    Group,
    Passage,
    Tree,
    Volume,
    advice,
    entering,
    obstacle,
)
from syncd.check.permissions import ENTER, AclEntry, Person, Rights, Tag, permits, readable
from syncd.check.shell import Command

NOBODY = 0xFFFFFFFF
SYNCD = Person("syncd", 995, 995, frozenset({995}))
CREATIVES, ANNA, DOCKER = Group(1200, "creatives"), Group(1000, "anna", private=True), 133
GROUPS = {
    0: Group(0, "root"),
    995: Group(995, "syncd", private=True),
    1000: ANNA,
    1200: CREATIVES,
    DOCKER: Group(DOCKER, "docker"),
}
ACLS, NOACL = Volume("ext4", "/"), Volume("ext4", "/", acls=False, noacl=True)
NONE, VFAT = Volume("nfs4", "/", acls=False), Volume("vfat", "/media/stick", acls=False)
VOLUMES = [ACLS, NOACL, NONE]
MODES = (0o000, 0o600, 0o640, 0o644, 0o604, 0o700, 0o750, 0o755, 0o705, 0o310)
SHAPES = [
    (owner, group, mode)
    for owner, group, mode in product((0, 995, 1000), (0, 995, 1000, 1200, DOCKER), MODES)
]
OPEN = Rights(directory=True, owner=0, group=0, mode=0o755)


def with_user(rights: Rights, grants: int) -> Rights:
    """Return what `setfacl -m u:syncd:…` makes of it: with a mask that lets all through."""
    acl = rights.acl or (
        AclEntry(Tag.OWNER, NOBODY, rights.mode >> 6 & 7),
        AclEntry(Tag.OWNING_GROUP, NOBODY, rights.mode >> 3 & 7),
        AclEntry(Tag.OTHER, NOBODY, rights.mode & 7),
    )
    return msgspec.structs.replace(rights, acl=(*acl, AclEntry(Tag.USER, SYNCD.uid, grants)))


def with_bits(rights: Rights, who: str, letters: str) -> Rights:
    """Return what `chmod` makes of it."""
    enter = "x" in letters or ("X" in letters and (rights.directory or rights.mode & 0o111))
    bits = (4 if "r" in letters else 0) | (1 if enter else 0)
    return msgspec.structs.replace(rights, mode=rights.mode | bits << {"u": 6, "g": 3, "o": 0}[who])


def carried_out(
    commands: tuple[Command, ...], person: Person, way: list[Passage], tree: Tree
) -> tuple[Person, list[Passage], Tree]:
    """Do what the commands do."""

    def on_tree(change: object) -> Tree:
        assert callable(change)
        top = msgspec.structs.replace(tree.top, rights=change(tree.top.rights))
        return Tree(top, frozenset(map(change, tree.below)), tree.whole)

    for command in commands:
        match command.words:
            case ("usermod", "-aG", name, "syncd"):
                person = person.joining(next(g.gid for g in GROUPS.values() if g.name == name))
            case ("setfacl", "-m", "u:syncd:x", path):
                way = [
                    msgspec.structs.replace(p, rights=with_user(p.rights, ENTER))
                    if p.path == path
                    else p
                    for p in way
                ]
            case ("setfacl", "-Rm", "u:syncd:rX,d:u:syncd:rX", tree.top.path):
                tree = on_tree(lambda r: with_user(r, 5 if r.directory or r.mode & 0o111 else 4))
            case ("chmod", "-R", "g+rX", tree.top.path):
                tree = on_tree(lambda r: with_bits(r, "g", "rX"))
            case ("chmod", what, path):
                who, letters = what.split("+")
                way = [
                    msgspec.structs.replace(p, rights=with_bits(p.rights, who, letters))
                    if p.path == path
                    else p
                    for p in way
                ]
            case ("chgrp", "-R", "syncd", tree.top.path):
                tree = on_tree(lambda r: msgspec.structs.replace(r, group=SYNCD.gid))
            case ("find", tree.top.path, "-user", "syncd", "-exec", "chmod", "u+rX", "{}", "+"):
                tree = on_tree(lambda r: with_bits(r, "u", "rX") if r.owner == SYNCD.uid else r)
            case ("find", tree.top.path, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"):
                pass
            case ("mount", "-o", "remount,acl", point):
                assert point == "/"
            case words:
                raise AssertionError(words)
    return person, way, tree


def made(shape: tuple[int, int, int], *, directory: bool) -> Rights:
    return Rights(directory, *shape)


def all_readable(person: Person, way: list[Passage], tree: Tree) -> bool:
    return all(permits(p.rights, person, ENTER) for p in way) and all(
        readable(rights, person) for rights in (tree.top.rights, *tree.below)
    )


@pytest.mark.parametrize("volume", VOLUMES)
def test_whatever_the_folder_and_its_files_are_it_can_be_read_afterwards(volume: Volume) -> None:
    way = [Passage("/", OPEN, ACLS), Passage("/srv", OPEN, volume)]
    for top, below in product(SHAPES, repeat=2):
        rights = made(top, directory=True)
        tree = Tree(Passage("/srv/a", rights, volume), frozenset({made(below, directory=False)}))
        given = advice(SYNCD, way, tree, GROUPS)
        assert bool(given.commands) is not all_readable(SYNCD, way, tree)
        person, passed, opened = carried_out(given.commands, SYNCD, way, tree)
        assert all_readable(person, passed, opened), (top, below, given)
        joins(given, person, volume)


def joins(given: Advice, person: Person, volume: Volume) -> None:
    """A group is joined for what it can read already, and for nothing that gives more than that."""
    joined = [command.words[2] for command in given.commands if command.words[0] == "usermod"]
    assert given.joins is bool(joined)
    assert not {*joined} & JOINED_BY_NOBODY
    if joined:
        assert [command.words[0] for command in given.commands] == ["usermod"]
        assert joined == ["creatives"] or (joined == ["anna"] and volume is NONE)


@pytest.mark.parametrize("volume", VOLUMES)
def test_whatever_the_way_is_it_can_be_passed_afterwards(volume: Volume) -> None:
    tree = Tree(Passage("/a/b/c", OPEN, volume))
    for upper, lower in product(SHAPES, repeat=2):
        way = [
            Passage("/a", made(upper, directory=True), volume),
            Passage("/a/b", made(lower, directory=True), volume),
        ]
        commands = entering(SYNCD, way)
        assert advice(SYNCD, way, tree, GROUPS) == Advice((), commands)
        person, passed, _ = carried_out(commands, SYNCD, way, tree)
        assert all_readable(person, passed, tree), (upper, lower, commands)
        shut = [p.path for p in way if not permits(p.rights, SYNCD, ENTER)]
        assert [c.words[-1] for c in commands if c.words[0] != "mount"] == shut
        first = obstacle(SYNCD, way, tree.top)
        assert first == (f"user syncd may not enter {shut[0]}" if shut else None)


def test_a_group_that_also_opens_the_way_is_enough() -> None:
    way = [Passage("/srv", Rights(True, 0, 1200, 0o750), ACLS)]
    tree = Tree(Passage("/srv/a", Rights(True, 0, 1200, 0o750), ACLS))
    given = advice(SYNCD, way, tree, GROUPS)
    assert given.commands == (Command(("usermod", "-aG", "creatives", "syncd")),)


def test_where_not_all_could_be_looked_at_no_group_is_joined() -> None:
    tree = Tree(Passage("/srv/a", Rights(True, 0, 1200, 0o750), ACLS), whole=False)
    given = advice(SYNCD, [], tree, GROUPS)
    assert [command.words[0] for command in given.commands] == ["setfacl"]


def test_acls_that_a_mount_has_off_are_switched_on_first() -> None:
    tree = Tree(Passage("/srv/a", Rights(True, 0, 0, 0o700), NOACL))
    given = advice(SYNCD, [], tree, GROUPS)
    assert [command.words[0] for command in given.commands] == ["mount", "setfacl"]


@pytest.mark.parametrize(
    ("kind", "option"),
    [("vfat", "fmask=0137"), ("ntfs3", "fmask=0137"), ("cifs", "file_mode=0640")],
)
def test_what_has_no_rights_of_its_own_gets_them_where_it_is_mounted(
    kind: str, option: str
) -> None:
    volume = Volume(kind, "/media/stick", acls=False)
    tree = Tree(Passage("/media/stick/a", Rights(True, 0, 0, 0o700), volume))
    given = advice(SYNCD, [], tree, GROUPS)
    assert given.commands == ()
    assert option in given.sentences[0]
    assert "gid=995" in given.sentences[0]
    assert "/media/stick" in given.sentences[0]
