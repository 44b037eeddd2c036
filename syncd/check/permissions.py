"""Access permissions of a user to a file or directory, computed from mode bits and POSIX ACLs.

The rules are those of Linux: acl(5), "Access check algorithm", and path_resolution(7) for what a
directory must grant.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

READ, ENTER = 4, 1


class Tag(IntEnum):
    """The kind of an ACL entry (linux/posix_acl.h)."""

    OWNER = 0x01
    USER = 0x02
    OWNING_GROUP = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHER = 0x20


class AclEntry(msgspec.Struct, frozen=True):
    """One entry of an ACL; `id` is a uid or gid for USER and GROUP, and unused otherwise."""

    tag: Tag
    id: int
    grants: int


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """The owner, group, mode and ACL of a file or directory; `acl` is empty without an ACL."""

    directory: bool
    owner: int
    group: int
    mode: int
    acl: tuple[AclEntry, ...] = ()


class User(msgspec.Struct, frozen=True):
    """A user of the system: the name, and the ids that the kernel compares."""

    name: str
    uid: int
    gid: int
    gids: frozenset[int]

    def with_group(self, gid: int) -> User:
        return msgspec.structs.replace(self, gids=self.gids | {gid})


def permits(permissions: Permissions, user: User, wanted: int) -> bool:
    """Return whether the user has every wanted permission; root has all of them."""
    if user.uid == 0:
        return True
    if permissions.owner == user.uid:
        return (permissions.mode >> 6) & wanted == wanted
    mask = next((e.grants for e in permissions.acl if e.tag is Tag.MASK), 7)
    for entry in permissions.acl:
        if entry.tag is Tag.USER and entry.id == user.uid:
            return entry.grants & mask & wanted == wanted
    if by_group := _group_grants(permissions, user):
        return any(grants & mask & wanted == wanted for grants in by_group)
    return permissions.mode & wanted == wanted


def can_read(permissions: Permissions, user: User) -> bool:
    """Return whether the user can read a file, or list a directory and open the files in it."""
    return permits(permissions, user, READ | ENTER if permissions.directory else READ)


def _group_grants(permissions: Permissions, user: User) -> list[int]:
    """Return what each group of the user is granted.

    With an ACL, the group bits of the mode are the ACL's mask.
    """
    acl = permissions.acl
    owning = next((e.grants for e in acl if e.tag is Tag.OWNING_GROUP), (permissions.mode >> 3) & 7)
    named = [e.grants for e in acl if e.tag is Tag.GROUP and e.id in user.gids]
    return [owning, *named] if permissions.group in user.gids else named
