"""Advice on how to give a user read access to a folder: what denies it, and the commands to type.

The commands grant as little else as the file system allows: a group that can already read all of
the folder, then an ACL entry for the user, then mode bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from syncd.check.permissions import ENTER, Permissions, User, can_read, permits
from syncd.check.shell import Command

PRIVILEGED_GROUPS = frozenset(
    {"root", "wheel", "sudo", "adm", "admin", "disk", "shadow", "docker", "lxd", "libvirt", "kmem",
     "tty", "staff", "nogroup", "nobody", "systemd-journal"}
)  # fmt: skip
"""Groups that grant more than reading files; a service user should not be added to them."""

WITHOUT_OWNERS = frozenset(
    {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "9p", "virtiofs"}
)
"""File systems whose mount options set the owner and mode of every file."""


class Mount(msgspec.Struct, frozen=True):
    """A mounted file system; `noacl` when the mount option noacl switched its ACLs off."""

    kind: str
    point: str
    acls: bool = True
    noacl: bool = False

    @property
    def can_have_acls(self) -> bool:
        return self.acls or self.noacl


class PathComponent(msgspec.Struct, frozen=True):
    """A directory on the way to a folder, or the folder itself."""

    path: str
    permissions: Permissions
    mount: Mount


class Tree(msgspec.Struct, frozen=True):
    """A folder, and each distinct combination of permissions that occurs below it.

    `complete` is false when a part of it could not be listed.
    """

    top: PathComponent
    below: frozenset[Permissions] = frozenset()
    complete: bool = True

    @property
    def permissions(self) -> tuple[Permissions, ...]:
        return (self.top.permissions, *self.below)


class Group(msgspec.Struct, frozen=True):
    """A group of the system; private when it is the primary group of the user of that name."""

    gid: int
    name: str
    private: bool = False


class Advice(msgspec.Struct, frozen=True):
    """Advice for the operator: sentences, then commands.

    `adds_group` when a command adds the user to a group.
    """

    sentences: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    adds_group: bool = False


def denied_at(user: User, parents: Sequence[PathComponent], top: PathComponent) -> str | None:
    """Return which directory denies access first, as a message; None if none of these does."""
    for parent in parents:
        if not permits(parent.permissions, user, ENTER):
            return f"user {user.name} cannot enter {parent.path}"
    if not can_read(top.permissions, user):
        return f"user {user.name} cannot read {top.path}"
    return None


def advise(
    user: User, parents: Sequence[PathComponent], tree: Tree, groups: Mapping[int, Group]
) -> Advice:
    """Return what gives the user read access to the whole tree."""
    denied = [found for found in tree.permissions if not can_read(found, user)]
    if (denied or not tree.complete) and tree.top.mount.kind in WITHOUT_OWNERS:
        return Advice((_mount_advice(user, tree.top.mount),), grant_entry(user, parents))
    group = _group_to_join(user, tree, denied, groups)
    if group is not None:
        join = Command(("usermod", "-aG", group.name, user.name))
        commands = (join, *grant_entry(user.with_group(group.gid), parents))
        return Advice((), commands, adds_group=True)
    commands = grant_entry(user, parents)
    if denied or not tree.complete:
        own = groups.get(user.gid)
        name = str(user.gid) if own is None else own.name
        commands = (*commands, *_grant_read(user, tree, denied, name))
    return Advice((), commands)


def grant_entry(user: User, parents: Sequence[PathComponent]) -> tuple[Command, ...]:
    """Return the commands that let the user enter each directory on the way to a folder."""
    denied = [parent for parent in parents if not permits(parent.permissions, user, ENTER)]
    return tuple(command for parent in denied for command in _grant_enter(user, parent))


def _group_to_join(
    user: User, tree: Tree, denied: Sequence[Permissions], groups: Mapping[int, Group]
) -> Group | None:
    """Return a group that can already read all of the tree, if the user should join one."""
    if not tree.complete:
        return None
    for gid in sorted({permissions.group for permissions in denied}):
        group = groups.get(gid)
        if gid == 0 or group is None or group.name in PRIVILEGED_GROUPS:
            continue
        # A private group opens everything that its user owns; an ACL opens only the folder.
        if group.private and tree.top.mount.can_have_acls:
            continue
        member = user.with_group(gid)
        if all(can_read(permissions, member) for permissions in tree.permissions):
            return group
    return None


def _grant_enter(user: User, directory: PathComponent) -> Iterator[Command]:
    permissions, path, mount = directory.permissions, directory.path, directory.mount
    if permissions.owner == user.uid:  # the ACL entries for users do not apply to the owner
        yield Command(("chmod", "u+x", path))
    elif mount.can_have_acls:
        yield from _enable_acls(mount)
        yield Command(("setfacl", "-m", f"u:{user.name}:x", path))
    else:
        yield Command(("chmod", "g+x" if permissions.group in user.gids else "o+x", path))


def _grant_read(
    user: User, tree: Tree, denied: Sequence[Permissions], group: str
) -> Iterator[Command]:
    name, top, mount = user.name, tree.top.path, tree.top.mount
    if any(permissions.owner == user.uid for permissions in denied):
        yield Command(("find", top, "-user", name, "-exec", "chmod", "u+rX", "{}", "+"))
        if tree.complete and all(permissions.owner == user.uid for permissions in denied):
            return
    if mount.can_have_acls:
        yield from _enable_acls(mount)
        yield Command(("setfacl", "-Rm", f"u:{name}:rX,d:u:{name}:rX", top))
        return
    yield Command(("chgrp", "-R", group, top))
    yield Command(("chmod", "-R", "g+rX", top))
    # With setgid, new files get the group of their directory, whichever user creates them.
    yield Command(("find", top, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"))


def _enable_acls(mount: Mount) -> Iterator[Command]:
    """Remount with ACLs if the mount options switch them off; /etc/fstab stays as it is."""
    if mount.noacl:
        yield Command(("mount", "-o", "remount,acl", mount.point))


def _mount_advice(user: User, mount: Mount) -> str:
    options = (
        f"gid={user.gid},dir_mode=0750,file_mode=0640"
        if mount.kind in {"cifs", "smb3"}
        else f"gid={user.gid},dmask=0027,fmask=0137"
    )
    return (
        f"{mount.kind} does not store permissions: give {mount.point} the options {options} in"
        f" /etc/fstab, then unmount it and mount it again"
    )
