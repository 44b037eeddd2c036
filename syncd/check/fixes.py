"""Commands that give a user access to a path that it is denied.

They are looked up by the process that the operator started, which as root sees more than the user
that was checked.
"""

from __future__ import annotations

import os
import shutil

import msgspec

from syncd.check.access import (
    ClosedDirectory,
    Folder,
    grant_entry,
    grant_read,
    groups_to_try,
    join,
    mount_advice,
)
from syncd.check.facts import PathFacts
from syncd.check.filesystem import mount_of, path_facts
from syncd.check.permission import UNSEEN, Includes, closed_to, denied_below
from syncd.check.result import Check, CheckedPath
from syncd.check.shell import Command
from syncd.check.unit import Unit
from syncd.check.user import User, group_name, named_groups
from syncd.config import Config, FolderConfig
from syncd.folders.patterns import Patterns

_DENIED_BY_OTHERS = (
    "denied, though modes and ACLs grant it: by the capabilities of the unit (for root without"
    " CAP_DAC_READ_SEARCH), SELinux, AppArmor or a file server"
)


class Client(msgspec.Struct, frozen=True):
    """The user to be given access, the unit that runs as this user, and what that unit finds."""

    user: User
    unit: Unit | None = None


def with_access(check: Check, config: Config, client: Client, inside: PathFacts | None) -> Check:
    """Return the check with the commands that give the user access to its path, if it is denied.

    `inside` is what the checked process found there.
    """
    path = check.path
    if path is None or not path.denied:
        return check
    outside = path_facts(path.path)
    closed = _closed_directories(client.user, outside, inside)
    folder = next((one for one in config.folders.values() if one.path == path.path), None)
    if folder is not None:
        check = _with_folder_access(check, folder, outside, closed, client)
    else:
        own = _grant_file(path, config, client.user)
        commands = (*grant_entry(client.user, closed), *own, *check.commands)
        check = msgspec.structs.replace(check, commands=commands)
    if shutil.which("setfacl") is None and any(c.words[0] == "setfacl" for c in check.commands):
        message = f"{check.message} (setfacl is in the package acl)"
        check = msgspec.structs.replace(check, message=message)
    return check


def _closed_directories(
    user: User, outside: PathFacts, inside: PathFacts | None
) -> list[ClosedDirectory]:
    """Return the directories above the target that the user cannot enter.

    A directory that the service finds replaced is left out: it passes through another one.
    """
    passed = () if inside is None else inside.steps
    replaced = {step.path for step in passed if step not in outside.steps}
    above = outside.steps if outside.error else outside.steps[:-1]
    paths = [step.path for step in above if step.path not in replaced]
    found = []
    for path in closed_to(user, paths):
        status = os.lstat(path)
        directory = ClosedDirectory(os.fsdecode(path), mount_of(path), status.st_uid, status.st_gid)
        found.append(directory)
    return found


def _with_folder_access(
    check: Check,
    folder: FolderConfig,
    outside: PathFacts,
    closed: list[ClosedDirectory],
    client: Client,
) -> Check:
    user, top, includes = client.user, outside.last.path, _includes(folder)
    if outside.error:  # this process has no access to the folder either
        real = os.fsdecode(os.path.realpath(folder.path))
        seen = Folder(real, mount_of(top), UNSEEN)
    else:
        seen = Folder(os.fsdecode(top), mount_of(top), denied_below(user, top, includes))
    reason = _reason(user, closed, seen)
    message = check.message if reason is None else f"{check.message}: {reason}"
    advice = mount_advice(user, seen)
    if advice is not None:
        message, commands = f"{message}; {advice}", tuple(grant_entry(user, closed))
    else:
        commands = _join_group(closed, seen, includes, client) or (
            *grant_entry(user, closed),
            *grant_read(user, seen, group_name(user.gid)),
        )
    return msgspec.structs.replace(check, message=message, commands=commands)


def _reason(user: User, closed: list[ClosedDirectory], folder: Folder) -> str | None:
    if closed:
        return f"user {user.name} cannot enter {closed[0].path}"
    if folder.denied.top:
        return f"user {user.name} cannot read {folder.path}"
    return _DENIED_BY_OTHERS if folder.denied.is_empty else None


def _join_group(
    closed: list[ClosedDirectory], folder: Folder, includes: Includes, client: Client
) -> tuple[Command, ...] | None:
    """Return the commands that add the user to a group which can read all of the folder."""
    user, unit = client.user, client.unit
    for group in groups_to_try(folder, named_groups(folder.denied.groups)):
        member = user.with_group(group.gid)
        if not denied_below(member, os.fsencode(folder.path), includes).is_empty:
            continue
        paths = {os.fsdecode(p) for p in closed_to(member, [os.fsencode(c.path) for c in closed])}
        still = [directory for directory in closed if directory.path in paths]
        restart = () if unit is None else (Command(("systemctl", "try-restart", unit.short_name)),)
        return (join(user, group), *grant_entry(member, still), *restart)
    return None


def _grant_file(checked: CheckedPath, config: Config, user: User) -> tuple[Command, ...]:
    """Return the commands that let the user read the configuration, or only the user a secret."""
    path = os.fsdecode(os.path.realpath(checked.path))
    if path in map(os.path.realpath, (config.path, *config.included)):
        return (Command(("chmod", "a+r", path)),)
    if checked.writes:  # the check of the ledger has its own commands
        return ()
    return (Command(("chown", f"{user.name}:", path)), Command(("chmod", "600", path)))


def _includes(folder: FolderConfig) -> Includes:
    patterns = Patterns(folder.include, folder.exclude)

    def includes(path: bytes, directory: bool) -> bool:
        return patterns.enters(path) if directory else patterns.admits(path)

    return includes
