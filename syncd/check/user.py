"""The user as whom the checks run, and the process that runs them as that user."""

from __future__ import annotations

import grp
import multiprocessing
import os
import pwd
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec

from syncd.check.access import Group
from syncd.check.permissions import User
from syncd.check.result import Check, bad

UMASK = 0o077  # as in systemd/*.service


class ImpersonationError(Exception):
    """The checks cannot run as the user that was asked for; the text gives the reason."""


def current_user() -> User:
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container
        name = str(uid)
    return User(name, uid, os.getgid(), frozenset({os.getgid(), *os.getgroups()}))


def user_named(name: str, group: str = "", groups: Iterable[str] = ()) -> User:
    """Return a user with its groups in /etc/group and the given ones. Raises ImpersonationError."""
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        raise ImpersonationError(f"user {name} does not exist") from None
    gid = _gid(group) if group else entry.pw_gid
    gids = {gid, *os.getgrouplist(entry.pw_name, gid), *map(_gid, groups)}
    return User(entry.pw_name, entry.pw_uid, gid, frozenset(gids))


def _gid(group: str) -> int:
    try:
        return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise ImpersonationError(f"group {group} does not exist") from None


def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def groups_by_gid(gids: Iterable[int]) -> dict[int, Group]:
    """Return those of the groups that have a name."""
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


def run_as(user: User, checks: Callable[[], Sequence[Check]]) -> Sequence[Check]:
    """Run the checks in a child process of that user; this process keeps its own user.

    The child inherits this process's memory: modules and secrets that the user cannot read itself.
    A module that it loads only then has to be readable by that user, as for the service.
    """
    if user.uid == os.getuid():
        return checks()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        switch_to(user)
        try:
            results = checks()
        except (ImportError, PermissionError) as error:
            results = [_unreadable_program(user, error)]
        sender.send_bytes(msgspec.msgpack.encode(results))

    process = context.Process(target=child)
    process.start()
    sender.close()
    try:
        results = receiver.recv_bytes()
    except EOFError:
        raise RuntimeError(f"the process that ran the checks as {user.name} has failed") from None
    finally:
        process.join()
        receiver.close()
    return msgspec.msgpack.decode(results, type=list[Check])


def _unreadable_program(user: User, error: Exception) -> Check:
    return bad(
        "program",
        f"{user.name} cannot read the Python that runs syncd, {sys.prefix} ({error}): install syncd"
        f" where every user can read it, such as /opt/syncd",
    )


def switch_to(user: User) -> None:
    """Change this process from root to the user, irreversibly."""
    os.setgroups(sorted(user.gids))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    os.umask(UMASK)
    os.environ["HOME"] = "/"  # libraries must not look for settings in root's home directory
