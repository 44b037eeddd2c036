"""What is in the way of a person or a service, found out by whoever may look, and what to type."""

from __future__ import annotations

import os
import shutil

import msgspec

from syncd.check.access import Passage, Tree, Volume, advice, entering, obstacle
from syncd.check.filesystem import Concerns, tree_of, way_to
from syncd.check.permissions import Rights, readable
from syncd.check.perspective import View
from syncd.check.result import Check, Place, State
from syncd.check.shell import Command, run
from syncd.check.unit import Unit
from syncd.check.unit_sandbox import (
    Screen,
    drop_in,
    hidden_by,
    lines_to_show,
    sealed_by,
    window,
    within,
)
from syncd.check.user import groups_of_the_system
from syncd.config import Config, FolderConfig
from syncd.folders.patterns import Patterns

SHUT = Rights(directory=True, owner=0, group=0, mode=0)
"""What is taken for the rights of what nobody could look at."""


def completed(check: Check, config: Config, view: View) -> Check:
    """Return the check with what the unit hides, and with what opens a place that is closed."""
    if check.place is None:
        return check
    place = check.place
    screened = _screened(place, view.unit) if view.unit is not None else None
    if place.closed and view.unit is not None and view.person.name != view.unit.user:
        # The service may be let in where this person is not.
        said = check.said if place.writes else f"{check.said}: user {view.person.name} may not look"
        check = msgspec.structs.replace(check, state=State.UNSEEN, said=said, commands=())
    elif place.closed:
        bound = screened is not None and screened.binds
        check = _opened(check, place, config, view, bound=bound)
    if shutil.which("setfacl") is None and any(c.words[0] == "setfacl" for c in check.commands):
        told = f"{check.said} (setfacl comes with the package acl)"
        check = msgspec.structs.replace(check, said=told)
    if screened is None:
        return check
    said = f"{check.said}: {screened.said}" if check.ok else f"{check.said}; {screened.said}"
    return msgspec.structs.replace(
        check, state=State.BAD, said=said, commands=(*check.commands, *screened.commands)
    )


class Screened(msgspec.Struct, frozen=True):
    """What a unit's setting does, and the drop-in against it; `binds` the place itself."""

    said: str
    commands: tuple[Command, ...]
    binds: bool


def _screened(place: Place, unit: Unit) -> Screened | None:
    path = os.fsdecode(os.path.realpath(place.path))
    hidden = hidden_by(unit.walls, path)
    if hidden is not None:
        lines = lines_to_show(hidden, path, to_write=place.writes)
        told = f"{unit.name} does not see it ({hidden})"
        # A file that is bound in stays the old one when another takes its name.
        if lines is None or os.path.isfile(path):
            return Screened(f"{told}: {_moved(hidden, path, place, unit)}", (), binds=False)
        return Screened(told, drop_in(unit.name, lines), binds=True)
    sealed = sealed_by(unit.walls, path) if place.writes else None
    if sealed is None:
        return None
    told = f"{unit.name} may not write there ({sealed})"
    if unit.state is not None:
        told += f": keep it in {unit.state}, or type this"
    lines = (f"ReadWritePaths={path}",)
    return Screened(told, drop_in(unit.name, lines), binds=False)


def _moved(hidden: Screen, path: str, place: Place, unit: Unit) -> str:
    if hidden.setting == "InaccessiblePaths":
        return "take that out of the unit, or move it"
    if place.writes and unit.state is not None:
        return f"keep it in {unit.state}"
    return f"move it elsewhere, such as to {'/etc/syncd' if os.path.isfile(path) else '/srv'}"


def _opened(check: Check, place: Place, config: Config, view: View, *, bound: bool) -> Check:
    """Say what is in the way first, and what opens all of it; systemd may be about to bind it."""
    way, real = way_to(place.path), os.fsdecode(os.path.realpath(place.path))
    folder = next((f for f in config.folders.values() if f.path == place.path), None)
    if folder is not None:
        start = real if bound else _window(view.unit, real)
        # The service does not pass what is above that.
        way = [step for step in way if start is None or within(step.path, start)]
        return _folder_opened(check, folder, way, view)
    above = [step for step in way if step.path != real]
    own = _of_a_file(real, place, config, view)
    commands = (*entering(view.person, above), *own, *check.commands)
    return msgspec.structs.replace(check, commands=commands)


def _window(unit: Unit | None, path: str) -> str | None:
    return None if unit is None else window(unit.walls, path)


def _folder_opened(check: Check, folder: FolderConfig, way: list[Passage], view: View) -> Check:
    person, real = view.person, os.fsdecode(os.path.realpath(folder.path))
    if way and way[-1].path == real:
        above, tree = way[:-1], tree_of(way[-1], _concerns(folder))
    else:  # this process may not look so far
        volume = way[-1].volume if way else Volume("", "/")
        above, tree = way, Tree(Passage(real, SHUT, volume), whole=False)
    rights = (tree.top.rights, *tree.below)
    groups = groups_of_the_system({person.gid, *(r.group for r in rights)})
    advised = advice(person, above, tree, groups)
    why = obstacle(person, above, tree.top)
    if why is None and tree.whole and all(readable(r, person) for r in rights):
        why = "denied, though modes and ACLs grant it: by SELinux, AppArmor or a file server"
    commands = advised.commands
    if advised.joins and view.unit is not None:
        commands += (run("systemctl", "try-restart", view.unit.short),)
    said = "; ".join(filter(None, [": ".join(filter(None, [check.said, why])), *advised.sentences]))
    return msgspec.structs.replace(check, said=said, commands=commands)


def _of_a_file(path: str, place: Place, config: Config, view: View) -> tuple[Command, ...]:
    """Return what lets the person read the configuration, which is no secret, or a secret."""
    if path == os.path.realpath(config.path):
        return (run("chmod", "a+r", path),)
    if place.writes:  # what to do is known already
        return ()
    return (run("chown", f"{view.person.name}:", path), run("chmod", "600", path))


def _concerns(folder: FolderConfig) -> Concerns:
    patterns = Patterns(folder.include, folder.exclude)

    def concerns(path: bytes, directory: bool) -> bool:
        return patterns.enters(path) if directory else patterns.admits(path)

    return concerns
