"""Whether the person can read and write the ledger, and has room for it to grow."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.check.permissions import Person
from syncd.check.result import Check, Place, bad, ok
from syncd.check.shell import Command, run
from syncd.check.user import group_name
from syncd.ledger.database import as_it_is
from syncd.ledger.errors import LedgerError
from syncd.ledger.schema import exists

SUBJECT = "ledger"
LEAST_ROOM = 100 * 2**20
"""Bytes: its log of changes alone takes 16 MB at rest, and several times that in a backfill."""


def ledger_usable(path: Path, person: Person, state: str | None) -> Check:
    """Look at the ledger, or at where it will be made; systemd makes `state` by itself."""
    directory = path.parent
    try:
        there = exists(path)
    except PermissionError:
        return _closed(path, person)
    if not directory.exists():
        if state is not None and directory == Path(state):
            return ok(SUBJECT, f"{path} (will be made, with its directory)", _place(directory))
        owner = ("-o", person.name, "-g", group_name(person.gid))
        making = run("install", "-d", *owner, "-m", "700", str(directory))
        told = f"cannot make {path}: there is no {directory}"
        return bad(SUBJECT, told, (making,), _place(directory))
    if not os.access(directory, os.W_OK | os.X_OK):
        return _closed(path, person)
    if there:
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", ".lock"))):
            if file.exists() and not os.access(file, os.R_OK | os.W_OK):
                said = f"user {person.name} may not write {file}"
                place = Place(os.fsencode(path), closed=True, writes=True)
                return bad(SUBJECT, said, (_given(person, path, ".lock", "-shm", "-wal"),), place)
        try:
            with as_it_is(path):
                pass
        except LedgerError as error:
            return bad(SUBJECT, str(error))
    disk = os.statvfs(directory)
    room = disk.f_bavail * disk.f_frsize
    if room < LEAST_ROOM or (disk.f_files and not disk.f_favail):
        return bad(SUBJECT, f"{path}: its disk has {room / 2**20:,.0f} MB left: make room on it")
    said = f"{path} ({room / 2**30:,.1f} GB free)" if there else f"{path} (will be made)"
    return ok(SUBJECT, said, _place(directory))


def _closed(path: Path, person: Person) -> Check:
    """Say that the directory takes nothing from the person, who has to own it, or have an ACL."""
    directory = path.parent
    said = f"user {person.name} may not write {path}"
    letting = run("setfacl", "-m", f"u:{person.name}:rwx", str(directory))
    place = Place(os.fsencode(directory), closed=True, writes=True)
    return bad(SUBJECT, said, (letting,), place)


def _given(person: Person, path: Path, *ends: str) -> Command:
    files = [str(path), *(str(path) + end for end in ends if Path(str(path) + end).exists())]
    return run("chown", f"{person.name}:", *files)


def _place(directory: Path) -> Place:
    return Place(os.fsencode(directory), closed=False, writes=True)
