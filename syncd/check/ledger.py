"""Check of the ledger: that the user can read and write it, and that its disk has room."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.check.permissions import User
from syncd.check.result import Check, CheckedPath, bad, ok
from syncd.check.shell import Command
from syncd.check.user import group_name
from syncd.ledger.errors import LedgerError
from syncd.ledger.file import reading
from syncd.ledger.schema import exists

SUBJECT = "ledger"
MIN_FREE = 100 * 2**20
"""Bytes: the write-ahead log alone takes 16 MB at rest, and several times that in a backfill."""


def check_ledger(path: Path, user: User, state_directory: str | None) -> Check:
    """Check the ledger, or the directory in which it will be created.

    systemd creates the state directory when it starts the service.
    """
    directory = path.parent
    try:
        there = exists(path)
    except PermissionError:
        return _denied(path, user)
    if not directory.exists():
        if state_directory is not None and directory == Path(state_directory):
            message = f"{path} (will be created, with its directory)"
            return ok(SUBJECT, message, _checked(directory))
        owner = ("-o", user.name, "-g", group_name(user.gid))
        create = Command(("install", "-d", *owner, "-m", "700", str(directory)))
        message = f"cannot create {path}: there is no {directory}"
        return bad(SUBJECT, message, (create,), _checked(directory))
    if not os.access(directory, os.W_OK | os.X_OK):
        return _denied(path, user)
    if there:
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if file.exists() and not os.access(file, os.R_OK | os.W_OK):
                message = f"user {user.name} cannot write {file}"
                checked = CheckedPath(os.fsencode(path), denied=True, writes=True)
                return bad(SUBJECT, message, (_chown(user, path),), checked)
        try:
            with reading(path):
                pass
        except LedgerError as error:
            return bad(SUBJECT, str(error))
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    if free < MIN_FREE or (disk.f_files and not disk.f_favail):
        return bad(SUBJECT, f"{path}: its disk has {free / 2**20:,.0f} MB left: make room on it")
    message = f"{path} ({free / 2**30:,.1f} GB free)" if there else f"{path} (will be created)"
    return ok(SUBJECT, message, _checked(directory))


def _denied(path: Path, user: User) -> Check:
    """Return that the user cannot write in the directory, which it must own or have an ACL for."""
    directory = path.parent
    grant = Command(("setfacl", "-m", f"u:{user.name}:rwx", str(directory)))
    checked = CheckedPath(os.fsencode(directory), denied=True, writes=True)
    return bad(SUBJECT, f"user {user.name} cannot write {path}", (grant,), checked)


def _chown(user: User, path: Path) -> Command:
    others = (f"{path}{end}" for end in ("-shm", "-wal") if Path(f"{path}{end}").exists())
    return Command(("chown", f"{user.name}:", str(path), *others))


def _checked(directory: Path) -> CheckedPath:
    return CheckedPath(os.fsencode(directory), denied=False, writes=True)
