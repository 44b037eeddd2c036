"""Fixes for what a check found: why a path is denied or hidden, and the commands to type.

They are looked up by the process that the operator started, which as root sees more than the user
that was checked.
"""

from __future__ import annotations

import os
import shutil

import msgspec

from syncd.check.access import Mount, PathComponent, Tree, advise, denied_at, grant_entry
from syncd.check.filesystem import Includes, read_tree, resolve
from syncd.check.permissions import Permissions, can_read
from syncd.check.perspective import Perspective
from syncd.check.result import Check, CheckedPath, State
from syncd.check.shell import Command
from syncd.check.unit import Unit
from syncd.check.unit_sandbox import (
    Restriction,
    bind_mount_above,
    drop_in_commands,
    drop_in_lines,
    hidden_by,
    is_within,
    read_only_by,
)
from syncd.check.user import groups_by_gid
from syncd.config import Config, FolderConfig
from syncd.folders.patterns import Patterns

CLOSED = Permissions(directory=True, owner=0, group=0, mode=0)
"""Assumed for a directory that not even this process can access."""


def with_fix(check: Check, config: Config, perspective: Perspective) -> Check:
    """Return the check with what the unit's sandbox restricts, and how to open a denied path."""
    path, unit = check.path, perspective.unit
    if path is None:
        return check
    restricted = _sandbox_fix(path, unit) if unit is not None else None
    if path.denied and unit is not None and perspective.user.name != unit.user:
        # The user of the service may have access that this user lacks.
        message = check.message
        if not path.writes:
            message += f": user {perspective.user.name} has no access to it"
        check = msgspec.structs.replace(check, state=State.UNKNOWN, message=message, commands=())
    elif path.denied:
        bound = restricted is not None and restricted.binds
        check = _with_access(check, path, config, perspective, bound=bound)
    if shutil.which("setfacl") is None and any(c.words[0] == "setfacl" for c in check.commands):
        message = f"{check.message} (setfacl is in the package acl)"
        check = msgspec.structs.replace(check, message=message)
    if restricted is None:
        return check
    separator = ": " if check.is_ok else "; "
    return msgspec.structs.replace(
        check,
        state=State.BAD,
        message=f"{check.message}{separator}{restricted.message}",
        commands=(*check.commands, *restricted.commands),
    )


class _SandboxFix(msgspec.Struct, frozen=True):
    """The effect of a setting of the unit, and the drop-in against it.

    `binds` when the drop-in makes the path itself a bind mount.
    """

    message: str
    commands: tuple[Command, ...]
    binds: bool


def _sandbox_fix(checked: CheckedPath, unit: Unit) -> _SandboxFix | None:
    path = os.fsdecode(os.path.realpath(checked.path))
    hidden = hidden_by(unit.sandbox, path)
    if hidden is not None:
        lines = drop_in_lines(hidden, path, to_write=checked.writes)
        message = f"{unit.name} does not see it ({hidden})"
        # A bind mount of a file keeps the old file when a new one is renamed over it.
        if lines is None or os.path.isfile(path):
            return _SandboxFix(f"{message}: {_move(hidden, path, checked, unit)}", (), binds=False)
        return _SandboxFix(message, drop_in_commands(unit.name, lines), binds=True)
    read_only = read_only_by(unit.sandbox, path) if checked.writes else None
    if read_only is None:
        return None
    message = f"{unit.name} cannot write there ({read_only})"
    if unit.state_directory is not None:
        message += f": keep it in {unit.state_directory}, or type this"
    commands = drop_in_commands(unit.name, [f"ReadWritePaths={path}"])
    return _SandboxFix(message, commands, binds=False)


def _move(hidden: Restriction, path: str, checked: CheckedPath, unit: Unit) -> str:
    if hidden.setting == "InaccessiblePaths":
        return "remove that setting from the unit, or move it"
    if checked.writes and unit.state_directory is not None:
        return f"keep it in {unit.state_directory}"
    return f"move it elsewhere, such as to {'/etc/syncd' if os.path.isfile(path) else '/srv'}"


def _with_access(
    check: Check, checked: CheckedPath, config: Config, perspective: Perspective, *, bound: bool
) -> Check:
    """Return the check with the commands that give the user access to its path.

    `bound` when a drop-in is about to bind-mount the path.
    """
    way, real = resolve(checked.path), os.fsdecode(os.path.realpath(checked.path))
    folder = next((f for f in config.folders.values() if f.path == checked.path), None)
    if folder is not None:
        start = real if bound else _bind_mount_above(perspective.unit, real)
        # The service reaches a bind mount without entering the directories above it.
        way = [component for component in way if start is None or is_within(component.path, start)]
        return _with_folder_access(check, folder, way, perspective)
    above = [component for component in way if component.path != real]
    own = _grant_file(real, checked, config, perspective)
    commands = (*grant_entry(perspective.user, above), *own, *check.commands)
    return msgspec.structs.replace(check, commands=commands)


def _bind_mount_above(unit: Unit | None, path: str) -> str | None:
    return None if unit is None else bind_mount_above(unit.sandbox, path)


def _with_folder_access(
    check: Check, folder: FolderConfig, way: list[PathComponent], perspective: Perspective
) -> Check:
    user, real = perspective.user, os.fsdecode(os.path.realpath(folder.path))
    if way and way[-1].path == real:
        above, tree = way[:-1], read_tree(way[-1], _includes(folder))
    else:  # this process has no access to the folder either
        mount = way[-1].mount if way else Mount("", "/")
        above, tree = way, Tree(PathComponent(real, CLOSED, mount), complete=False)
    groups = groups_by_gid({user.gid, *(found.group for found in tree.permissions)})
    advice = advise(user, above, tree, groups)
    reason = denied_at(user, above, tree.top)
    if reason is None and tree.complete and all(can_read(p, user) for p in tree.permissions):
        reason = "denied, though modes and ACLs grant it: by SELinux, AppArmor or a file server"
    commands = advice.commands
    if advice.adds_group and perspective.unit is not None:
        commands += (Command(("systemctl", "try-restart", perspective.unit.short_name)),)
    message = check.message if reason is None else f"{check.message}: {reason}"
    message = "; ".join((message, *advice.sentences))
    return msgspec.structs.replace(check, message=message, commands=commands)


def _grant_file(
    path: str, checked: CheckedPath, config: Config, perspective: Perspective
) -> tuple[Command, ...]:
    """Return the commands that let the user read the configuration, or only the user a secret."""
    if path == os.path.realpath(config.path):
        return (Command(("chmod", "a+r", path)),)
    if checked.writes:  # the check of the ledger has its own commands
        return ()
    owner = f"{perspective.user.name}:"
    return (Command(("chown", owner, path)), Command(("chmod", "600", path)))


def _includes(folder: FolderConfig) -> Includes:
    patterns = Patterns(folder.include, folder.exclude)

    def includes(path: bytes, directory: bool) -> bool:
        return patterns.enters(path) if directory else patterns.admits(path)

    return includes
