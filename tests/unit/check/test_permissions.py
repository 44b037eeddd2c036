"""What modes and ACLs grant, as the kernel asks them: the first class that fits decides alone."""

import pytest

from syncd.check.permissions import ENTER, READ, AclEntry, Person, Rights, Tag, permits, readable

ME = Person("me", 1000, 1000, frozenset({1000, 1200}))
NOBODY = 0xFFFFFFFF


def rights(mode: int, owner: int = 1, group: int = 1, *acl: AclEntry) -> Rights:
    return Rights(directory=False, owner=owner, group=group, mode=mode, acl=acl)


@pytest.mark.parametrize(
    ("found", "granted"),
    [
        (rights(0o004), True),
        (rights(0o440), False),
        (rights(0o040, group=1200), True),
        (rights(0o404, group=1200), False),  # the group's bits hide those of others
        (rights(0o400, owner=1000), True),
        (rights(0o044, owner=1000, group=1200), False),  # the owner's hide them all
    ],
)
def test_the_first_class_of_the_mode_decides(found: Rights, granted: bool) -> None:
    assert permits(found, ME, READ) is granted


def acl(*mine: AclEntry, mask: int = 7, owning: int = 0, other: int = 0) -> tuple[AclEntry, ...]:
    return (
        AclEntry(Tag.OWNER, NOBODY, 7),
        AclEntry(Tag.OWNING_GROUP, NOBODY, owning),
        *mine,
        AclEntry(Tag.MASK, NOBODY, mask),
        AclEntry(Tag.OTHER, NOBODY, other),
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
def test_an_acl_decides_by_its_entries_and_its_mask(
    entries: tuple[AclEntry, ...], granted: bool
) -> None:
    # With an ACL, the mode's bits for the group are the mask and not the group's.
    assert permits(rights(0o070, 1, 1, *entries), ME, READ) is granted


def test_a_group_is_asked_by_its_entry_and_not_by_the_mask() -> None:
    assert not permits(rights(0o070, 1, 1200, *acl(owning=0)), ME, READ)
    assert permits(rights(0o070, 1, 1200, *acl(owning=4)), ME, READ)


def test_a_directory_is_readable_with_both_bits() -> None:
    for mode, granted in ((0o005, True), (0o004, False), (0o001, False)):
        assert readable(Rights(directory=True, owner=1, group=1, mode=mode), ME) is granted
    assert readable(rights(0o004), ME)


def test_root_is_granted_everything() -> None:
    assert permits(rights(0), Person("root", 0, 0, frozenset({0})), READ | ENTER)
