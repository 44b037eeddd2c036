"""Advice on how to give a user read access to a folder: the commands to type.

The commands grant as little else as the file system allows: a group that can already read all of
the folder, then an ACL entry for the user, then mode bits. `permission` finds out from the
kernel which files are denied, and whether a group is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from syncd.check.filesystem import Mount
from syncd.check.permission import DeniedTree
from syncd.check.shell import Command
from syncd.check.user import Group, User

PRIVILEGED_GROUPS = frozenset(
    {"root", "wheel", "sudo", "adm", "admin", "disk", "shadow", "docker", "lxd", "libvirt", "kmem",
     "tty", "staff", "nogroup", "nobody", "systemd-journal"}
)  # fmt: skip
"""Groups that grant more than reading files; a service user should not be added to them."""

WITHOUT_OWNERS = frozenset(
    {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "9p", "virtiofs"}
)
"""File systems whose mount options set the owner and mode of every file."""


class ClosedDirectory(msgspec.Struct, frozen=True):
    """A directory on the way to a folder that the user cannot enter."""

    path: str
    mount: Mount
    owner: int
    group: int


class Folder(msgspec.Struct, frozen=True):
    """A folder, and what the user cannot read in it."""

    path: str
    mount: Mount
    denied: DeniedTree


def groups_to_try(folder: Folder, groups: Iterable[Group]) -> list[Group]:
    """Return which of the groups of denied files the user may join."""
    if not folder.denied.complete:
        return []
    return [
        group
        for group in sorted(groups, key=lambda one: one.gid)
        if group.gid != 0
        and group.name not in PRIVILEGED_GROUPS
        # A private group opens everything that its user owns; an ACL opens only the folder.
        and not (group.private and folder.mount.can_have_acls)
    ]


def mount_advice(user: User, folder: Folder) -> str | None:
    """Return the advice for a file system without owners."""
    mount = folder.mount
    if folder.denied.is_empty or mount.kind not in WITHOUT_OWNERS:
        return None
    options = (
        f"gid={user.gid},dir_mode=0750,file_mode=0640"
        if mount.kind in {"cifs", "smb3"}
        else f"gid={user.gid},dmask=0027,fmask=0137"
    )
    return (
        f"{mount.kind} does not store permissions: give {mount.point} the options {options} in"
        f" /etc/fstab, then unmount it and mount it again"
    )


def join(user: User, group: Group) -> Command:
    return Command(("usermod", "-aG", group.name, user.name))


def grant_entry(user: User, closed: Iterable[ClosedDirectory]) -> Iterator[Command]:
    """Return the commands that let the user enter each of these directories."""
    for directory in closed:
        if directory.owner == user.uid:  # the ACL entries for users do not apply to the owner
            yield Command(("chmod", "u+x", directory.path))
        elif directory.mount.can_have_acls:
            yield from _enable_acls(directory.mount)
            yield Command(("setfacl", "-m", f"u:{user.name}:x", directory.path))
        else:
            who = "g+x" if directory.group in user.gids else "o+x"
            yield Command(("chmod", who, directory.path))


def grant_read(user: User, folder: Folder, group: str) -> Iterator[Command]:
    """Return the commands that let the user, whose primary group is given, read all of a folder."""
    name, top, mount, denied = user.name, folder.path, folder.mount, folder.denied
    if denied.is_empty:
        return
    if denied.own:
        yield Command(("find", top, "-user", name, "-exec", "chmod", "u+rX", "{}", "+"))
        if denied.complete and not denied.others:
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
