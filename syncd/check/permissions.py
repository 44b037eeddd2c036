"""What a user may do with a file or directory: mode bits and POSIX ACLs, as the kernel reads them.

Linux, acl(5), "Access check algorithm"; path_resolution(7) for what a directory must grant.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

READ, ENTER = 4, 1


class Tag(IntEnum):
    """Whom an entry of an ACL is for (linux/posix_acl.h)."""

    OWNER = 0x01
    USER = 0x02
    OWNING_GROUP = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHER = 0x20


class AclEntry(msgspec.Struct, frozen=True):
    tag: Tag
    id: int
    grants: int


class Rights(msgspec.Struct, frozen=True):
    """Who owns a file or directory, and what it grants; without an ACL, `acl` is empty."""

    directory: bool
    owner: int
    group: int
    mode: int
    acl: tuple[AclEntry, ...] = ()


class Person(msgspec.Struct, frozen=True):
    """A user as the system knows it: the name, and the ids that the kernel asks for."""

    name: str
    uid: int
    gid: int
    gids: frozenset[int]

    def joining(self, gid: int) -> Person:
        return msgspec.structs.replace(self, gids=self.gids | {gid})


def permits(rights: Rights, person: Person, wanted: int) -> bool:
    """Tell whether all that is wanted is granted; root is granted everything."""
    if person.uid == 0:
        return True
    if rights.owner == person.uid:
        return (rights.mode >> 6) & wanted == wanted
    mask = next((e.grants for e in rights.acl if e.tag is Tag.MASK), 7)
    for entry in rights.acl:
        if entry.tag is Tag.USER and entry.id == person.uid:
            return entry.grants & mask & wanted == wanted
    if of_groups := _of_groups(rights, person):
        return any(grants & mask & wanted == wanted for grants in of_groups)
    return rights.mode & wanted == wanted


def readable(rights: Rights, person: Person) -> bool:
    """Tell whether the content can be had: a file's bytes, or a directory's names and files."""
    return permits(rights, person, READ | ENTER if rights.directory else READ)


def _of_groups(rights: Rights, person: Person) -> list[int]:
    """Return what the person gets by each group; the mode's group bits are an ACL's mask."""
    owning = next(
        (e.grants for e in rights.acl if e.tag is Tag.OWNING_GROUP), (rights.mode >> 3) & 7
    )
    named = [e.grants for e in rights.acl if e.tag is Tag.GROUP and e.id in person.gids]
    return [owning, *named] if rights.group in person.gids else named
