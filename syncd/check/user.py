"""Whom it is looked as: a user of the system, and how a process becomes that user."""

from __future__ import annotations

import grp
import multiprocessing
import os
import pwd
from collections.abc import Callable, Iterable, Sequence

import msgspec

from syncd.check.access import Group
from syncd.check.permissions import Person
from syncd.check.result import Check

UMASK = 0o077  # what the units have


class NobodyError(Exception):
    """There is no such user or group; the text says which."""


def oneself() -> Person:
    """Return who runs this process."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container
        name = str(uid)
    return Person(name, uid, os.getgid(), frozenset({os.getgid(), *os.getgroups()}))


def person_named(name: str, group: str = "", groups: Iterable[str] = ()) -> Person:
    """Return a user with its own groups and these; raises NobodyError."""
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise NobodyError(f"there is no user {name}") from None
    gid = _gid(group) if group else entry.pw_gid
    gids = {gid, *os.getgrouplist(entry.pw_name, gid), *map(_gid, groups)}
    return Person(entry.pw_name, entry.pw_uid, gid, frozenset(gids))


def _gid(group: str) -> int:
    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise NobodyError(f"there is no group {group}") from None


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def groups_of_the_system(gids: Iterable[int]) -> dict[int, Group]:
    """Return what is known of these groups; a private one is named as the user whose it is."""
    found = {}
    for gid in gids:
        try:
            name = grp.getgrgid(gid).gr_name
        except KeyError:
            continue
        try:
            private = pwd.getpwnam(name).pw_gid == gid
        except KeyError:
            private = False
        found[gid] = Group(gid, name, private)
    return found


def as_person(person: Person, look: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """Return what a process of that user sees; this one stays who it is.

    That process has what this one has in memory: modules and secrets that the user may not read.
    """
    if person.uid == os.getuid():
        return look()
    forking = multiprocessing.get_context("fork")
    receiving, sending = forking.Pipe(duplex=False)

    def looking() -> None:
        become(person)
        sending.send_bytes(msgspec.msgpack.encode(look()))

    process = forking.Process(target=looking)
    process.start()
    sending.close()
    try:
        found = receiving.recv_bytes()
    except EOFError:
        raise RuntimeError(f"the process that looked as {person.name} has failed") from None
    finally:
        process.join()
        receiving.close()
    return msgspec.msgpack.decode(found, type=list[Check])


def become(person: Person) -> None:
    """Give up root for good; takes root."""
    os.setgroups(sorted(person.gids))
    os.setresgid(person.gid, person.gid, person.gid)
    os.setresuid(person.uid, person.uid, person.uid)
    os.umask(UMASK)
    os.environ["HOME"] = "/"  # not root's, in which libraries would look for settings
