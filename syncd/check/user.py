"""The user as whom the checks run, and the process that runs them as that user."""

from __future__ import annotations

import grp
import multiprocessing
import os
import pwd
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

UMASK = 0o077  # as in systemd/*.service


class User(msgspec.Struct, frozen=True):
    """A user of the system: the name, and the ids that the kernel compares."""

    name: str
    uid: int
    gid: int
    gids: frozenset[int]

    def with_group(self, gid: int) -> User:
        return msgspec.structs.replace(self, gids=self.gids | {gid})


class Group(msgspec.Struct, frozen=True):
    """A group of the system; private when it is the primary group of the user of that name."""

    gid: int
    name: str
    private: bool = False


class ImpersonationError(Exception):
    """The checks cannot run as the user that was asked for; the text gives the reason."""


class UnreadableProgramError(Exception):
    """The user cannot read the Python that runs syncd; the text gives the reason."""


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


def named_groups(gids: Iterable[int]) -> list[Group]:
    """Return those of the groups that have a name."""
    found = []
    for gid in gids:
        try:
            name = grp.getgrgid(gid).gr_name
        except KeyError:
            continue
        try:
            private = pwd.getpwnam(name).pw_gid == gid
        except KeyError:
            private = False
        found.append(Group(gid, name, private))
    return found


def run_as(user: User, work: Callable[[], bytes]) -> bytes:
    """Run the work in a child process of that user; this process keeps its own user.

    The child inherits this process's memory: modules and secrets that the user cannot read itself.
    A module that it loads only then has to be readable by that user, as for the service. Raises
    UnreadableProgramError if it is not.
    """
    if user.uid == os.getuid():
        return work()

    def guarded() -> tuple[bytes, str | None]:
        try:
            return work(), None
        except (ImportError, PermissionError) as error:
            return b"", str(error)

    result, error = in_child(lambda: switch_to(user), guarded, tuple[bytes, str | None])
    if error is not None:
        raise UnreadableProgramError(error)
    return result


def in_child(prepare: Callable[[], None], work: Callable[[], T], kind: Any) -> T:
    """Run the work in a child process after `prepare`, and return its result, of that type."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        prepare()
        sender.send_bytes(msgspec.msgpack.encode(work()))

    process = context.Process(target=child)
    process.start()
    sender.close()
    try:
        result = receiver.recv_bytes()
    except EOFError:
        raise RuntimeError("the process that ran the checks has failed") from None
    finally:
        process.join()
        receiver.close()
    decoded: T = msgspec.msgpack.decode(result, type=kind)
    return decoded


def switch_to(user: User) -> None:
    """Change this process from root to the user, irreversibly."""
    os.setgroups(sorted(user.gids))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    os.umask(UMASK)
    os.environ["HOME"] = "/"  # libraries must not look for settings in root's home directory
