"""Permissions of a user by mode bits and ACLs: the first class that the user belongs to decides."""

import pytest

from syncd.check.permissions import ENTER, READ, AclEntry, Permissions, Tag, User, can_read, permits

ME = User("me", 1000, 1000, frozenset({1000, 1200}))
NO_ID = 0xFFFFFFFF


def found(mode: int, owner: int = 1, group: int = 1, acl: tuple[AclEntry, ...] = ()) -> Permissions:
    return Permissions(directory=False, owner=owner, group=group, mode=mode, acl=acl)


@pytest.mark.parametrize(
    ("permissions", "granted"),
    [
        (found(0o004), True),
        (found(0o440), False),
        (found(0o040, group=1200), True),
        (found(0o404, group=1200), False),  # the group's bits apply, not those for others
        (found(0o400, owner=1000), True),
        (found(0o044, owner=1000, group=1200), False),  # only the owner's bits apply
    ],
)
def test_the_first_class_of_the_mode_decides(permissions: Permissions, granted: bool) -> None:
    assert permits(permissions, ME, READ) is granted


def acl(*mine: AclEntry, mask: int = 7, owning: int = 0, other: int = 0) -> tuple[AclEntry, ...]:
    return (
        AclEntry(Tag.OWNER, NO_ID, 7),
        AclEntry(Tag.OWNING_GROUP, NO_ID, owning),
        *mine,
        AclEntry(Tag.MASK, NO_ID, mask),
        AclEntry(Tag.OTHER, NO_ID, other),
    )


@pytest.mark.parametrize(
    ("entries", "granted"),
    [
        (acl(AclEntry(Tag.USER, 1000, 4)), True),
        (acl(AclEntry(Tag.USER, 1001, 4)), False),
        (acl(AclEntry(Tag.USER, 1000, 4), mask=3), False),
        (acl(AclEntry(Tag.USER, 1000, 0), AclEntry(Tag.GROUP, 1200, 4)), False),
        (acl(AclEntry(Tag.GROUP, 1200, 4)), True),
        (acl(AclEntry(Tag.GROUP, 1200, 4), mask=0), False),
        (acl(AclEntry(Tag.GROUP, 1300, 4)), False),
        (acl(owning=4), False),
    ],
)
def test_an_acl_grants_by_its_entries_within_its_mask(
    entries: tuple[AclEntry, ...], granted: bool
) -> None:
    # With an ACL, the group bits of the mode are the mask, not what the group is granted.
    assert permits(found(0o070, acl=entries), ME, READ) is granted


def test_the_owning_group_is_granted_its_acl_entry_and_not_the_mask() -> None:
    assert not permits(found(0o070, group=1200, acl=acl(owning=0)), ME, READ)
    assert permits(found(0o070, group=1200, acl=acl(owning=4)), ME, READ)


def test_a_directory_is_readable_only_with_the_read_and_execute_bits() -> None:
    for mode, granted in ((0o005, True), (0o004, False), (0o001, False)):
        assert can_read(Permissions(directory=True, owner=1, group=1, mode=mode), ME) is granted
    assert can_read(found(0o004), ME)


def test_root_is_granted_everything() -> None:
    assert permits(found(0), User("root", 0, 0, frozenset({0})), READ | ENTER)
