"""How a user gets to read a folder that it cannot: what is in the way, and the commands for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from syncd.check.permissions import ENTER, Person, Rights, permits, readable
from syncd.check.shell import Command, run

JOINED_BY_NOBODY = frozenset(
    {"root", "wheel", "sudo", "adm", "admin", "disk", "shadow", "docker", "lxd", "libvirt", "kmem",
     "tty", "staff", "nogroup", "nobody", "systemd-journal"}
)  # fmt: skip
"""Groups that give more than the reading of files: none to put a service into."""

OF_THE_MOUNT = frozenset(
    {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "9p", "virtiofs"}
)
"""File systems whose files have the owner and mode that the mount's options give them all."""


class Volume(msgspec.Struct, frozen=True):
    """The file system that something lies on; `noacl` when its mount has switched ACLs off."""

    kind: str
    point: str
    acls: bool = True
    noacl: bool = False


class Passage(msgspec.Struct, frozen=True):
    """A directory on the way to a folder, or the folder itself."""

    path: str
    rights: Rights
    volume: Volume


class Tree(msgspec.Struct, frozen=True):
    """A folder with everything below it: each combination of rights that occurs there, once.

    `whole` when all of it could be looked at.
    """

    top: Passage
    below: frozenset[Rights] = frozenset()
    whole: bool = True


class Group(msgspec.Struct, frozen=True):
    """A group of the system; private when it is one user's own, named like the user."""

    gid: int
    name: str
    private: bool = False


class Advice(msgspec.Struct, frozen=True):
    """What to do: sentences, then commands; `joins` when it is for a new group of the user."""

    sentences: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    joins: bool = False


def obstacle(person: Person, way: Sequence[Passage], top: Passage) -> str | None:
    """Return the first directory that is in the way to the top, or that the top itself is."""
    for passage in way:
        if not permits(passage.rights, person, ENTER):
            return f"user {person.name} may not enter {passage.path}"
    if not readable(top.rights, person):
        return f"user {person.name} may not read {top.path}"
    return None


def advice(
    person: Person, way: Sequence[Passage], tree: Tree, groups: Mapping[int, Group]
) -> Advice:
    """Return what lets the person read the whole tree, and as little else as can be."""
    closed = [rights for rights in (tree.top.rights, *tree.below) if not readable(rights, person)]
    if (closed or not tree.whole) and tree.top.volume.kind in OF_THE_MOUNT:
        return Advice((_by_mounting(person, tree.top.volume),), entering(person, way))
    group = _group(person, tree, closed, groups)
    if group is not None:
        joining = run("usermod", "-aG", group.name, person.name)
        return Advice((), (joining, *entering(person.joining(group.gid), way)), joins=True)
    steps = entering(person, way)
    if closed or not tree.whole:
        own = groups.get(person.gid)
        name = str(person.gid) if own is None else own.name
        steps = (*steps, *_into(person, tree, closed, name))
    return Advice((), steps)


def entering(person: Person, way: Sequence[Passage]) -> tuple[Command, ...]:
    """Return the commands that let the person pass through every directory of the way."""
    shut = [passage for passage in way if not permits(passage.rights, person, ENTER)]
    return tuple(step for passage in shut for step in _entering(person, passage))


def _group(
    person: Person, tree: Tree, closed: Sequence[Rights], groups: Mapping[int, Group]
) -> Group | None:
    """Return the group that can read all of the tree already, if one should be joined for it."""
    if not tree.whole:
        return None
    acls = tree.top.volume.acls or tree.top.volume.noacl
    for gid in sorted({rights.group for rights in closed}):
        group = groups.get(gid)
        if gid == 0 or group is None or group.name in JOINED_BY_NOBODY:
            continue
        # To join a user's own group opens all that the user has; an ACL opens the folder alone.
        if group.private and acls:
            continue
        joined = person.joining(gid)
        if all(readable(rights, joined) for rights in (tree.top.rights, *tree.below)):
            return group
    return None


def _entering(person: Person, passage: Passage) -> Iterator[Command]:
    rights, path, volume = passage.rights, passage.path, passage.volume
    if rights.owner == person.uid:  # of whom an ACL's entries for users are not asked
        yield run("chmod", "u+x", path)
    elif volume.acls or volume.noacl:
        yield from _with_acls(volume)
        yield run("setfacl", "-m", f"u:{person.name}:x", path)
    else:
        yield run("chmod", "g+x" if rights.group in person.gids else "o+x", path)


def _into(person: Person, tree: Tree, closed: Sequence[Rights], group: str) -> Iterator[Command]:
    name, top, volume = person.name, tree.top.path, tree.top.volume
    if any(rights.owner == person.uid for rights in closed):
        yield run("find", top, "-user", name, "-exec", "chmod", "u+rX", "{}", "+")
        if tree.whole and all(rights.owner == person.uid for rights in closed):
            return
    if volume.acls or volume.noacl:
        yield from _with_acls(volume)
        yield run("setfacl", "-Rm", f"u:{name}:rX,d:u:{name}:rX", top)
        return
    yield run("chgrp", "-R", group, top)
    yield run("chmod", "-R", "g+rX", top)
    # New files get the directory's group, whoever brings them.
    yield run("find", top, "-type", "d", "-exec", "chmod", "g+s", "{}", "+")


def _with_acls(volume: Volume) -> Iterator[Command]:
    """Switch ACLs on again where the mount has them off; its line in /etc/fstab is a person's."""
    if volume.noacl:
        yield run("mount", "-o", "remount,acl", volume.point)


def _by_mounting(person: Person, volume: Volume) -> str:
    options = (
        f"gid={person.gid},dir_mode=0750,file_mode=0640"
        if volume.kind in {"cifs", "smb3"}
        else f"gid={person.gid},dmask=0027,fmask=0137"
    )
    return (
        f"{volume.kind} has no rights of its own: give {volume.point} the options {options} in"
        f" /etc/fstab, then unmount it and mount it again"
    )
