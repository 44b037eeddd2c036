"""The view of the service: what a probe of its unit finds, and which drop-ins help.

A drop-in is tried in another probe before it is printed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from syncd.check.drop_in import (
    Effect,
    Restriction,
    blamed_setting,
    drop_in_commands,
    network_lines,
    proposed_lines,
)
from syncd.check.facts import Facts, Failed, PathFacts
from syncd.check.filesystem import path_facts
from syncd.check.fixes import Client, with_access
from syncd.check.inside import named_paths, written_directories
from syncd.check.probe import Failure, probe
from syncd.check.result import Check, State, bad
from syncd.check.shell import Command
from syncd.check.unit import Role, Unit
from syncd.check.verdict import restriction_of
from syncd.config import Config

CONNECT_TIMEOUT = 5.0  # seconds


class Restricted(msgspec.Struct, frozen=True):
    """The effect of the unit on a path, and the lines of a drop-in that were tried and help."""

    message: str
    lines: tuple[str, ...]
    commands: tuple[Command, ...]


class View(msgspec.Struct, frozen=True):
    """The facts that the service finds, or would find with the drop-in for a restricted path."""

    facts: Facts
    restricted: Mapping[bytes, Restricted]
    helped: Mapping[bytes, Facts]

    def of(self, path: bytes) -> Facts:
        return self.helped.get(path, self.facts)


def view_of(config: Config, unit: Unit, found: Facts, base: tuple[str, ...]) -> View:
    """Compare the facts of a probe with what root finds, and try a drop-in for each restriction.

    `base` are the lines with which the probe ran.
    """
    restrictions: dict[bytes, Restriction] = {}
    outside: dict[bytes, PathFacts] = {}
    role = unit.role or Role.DAEMON
    for path in named_paths(config, role):
        inside, outside[path] = found.at(path), path_facts(path)
        writes = path in written_directories(config, role)
        if inside is not None and (
            restriction := restriction_of(inside, outside[path], writes=writes)
        ):
            restrictions[path] = restriction
    # A bind mount of a file keeps the old file when a new one is renamed over it.
    possible = {path: one for path, one in restrictions.items() if outside[path].directory}

    def lines_for(path: bytes, target: bytes) -> tuple[str, ...]:
        writes = path in written_directories(config, role)
        return proposed_lines(unit.settings, possible[path], os.fsdecode(target), writes=writes)

    # What does not exist cannot be mounted: the directory that does is tried instead.
    tried = {path: lines_for(path, outside[path].last.path) for path in possible}
    proposals = {path: lines_for(path, os.path.realpath(path)) for path in possible}
    helped = _try_all(config, unit, base, outside, tried)
    restricted = {}
    for path, restriction in restrictions.items():
        lines = proposals[path] if path in helped else ()
        is_ledger = path == os.fsencode(config.ledger.path.parent)
        message = _message(unit, restriction, outside[path], lines, is_ledger=is_ledger)
        commands = drop_in_commands(unit.name, lines) if lines else ()
        restricted[path] = Restricted(message, lines, commands)
    return View(found, restricted, helped)


def _try_all(
    config: Config,
    unit: Unit,
    base: tuple[str, ...],
    outside: Mapping[bytes, PathFacts],
    proposals: Mapping[bytes, tuple[str, ...]],
) -> dict[bytes, Facts]:
    """Return the facts for each path whose proposed lines help: tried together, then alone."""
    helped: dict[bytes, Facts] = {}
    together = list(proposals)
    for paths in (together, *([[path] for path in together] if len(together) > 1 else [])):
        remaining = [path for path in paths if path not in helped]
        if not remaining:
            continue
        lines = [line for path in remaining for line in proposals[path]]
        found = probe(unit, tuple(dict.fromkeys((*base, *lines))))
        if isinstance(found, Failure):
            continue
        for path in remaining:
            inside = found.at(path)
            writes = path in written_directories(config, unit.role or Role.DAEMON)
            if inside is not None and restriction_of(inside, outside[path], writes=writes) is None:
                helped[path] = found
    return helped


def _message(
    unit: Unit,
    restriction: Restriction,
    outside: PathFacts,
    lines: Sequence[str],
    *,
    is_ledger: bool,
) -> str:
    setting = blamed_setting(unit.settings, restriction)
    message = f"{unit.name} {restriction.effect.value}"
    if setting is not None:
        message += f" ({setting})"
    state = unit.state_directory if is_ledger else None
    if lines:
        if restriction.effect is Effect.PROTECTS and state is not None:
            message += f": keep it in {state}, or type this"
        return message
    if setting is not None and setting.startswith("InaccessiblePaths="):
        return f"{message}: remove that setting from the unit, or move it"
    if state is not None:
        return f"{message}: keep it in {state}"
    elsewhere = "/srv" if outside.directory else "/etc/syncd"
    return f"{message}: move it elsewhere, such as to {elsewhere}"


def completed(check: Check, config: Config, client: Client, view: View) -> Check:
    """Return the check with the effect of the unit on its path, and with all commands."""
    path = check.path
    if path is None:
        return check
    restricted = view.restricted.get(path.path)
    if restricted is None or restricted.lines:
        check = with_access(check, config, client, view.of(path.path).at(path.path))
    if restricted is None:
        return check
    message = f"{os.fsdecode(path.path)}: {restricted.message}"
    if restricted.lines:
        message = f"{check.message}{': ' if check.is_ok else '; '}{restricted.message}"
    commands = (*check.commands, *restricted.commands) if restricted.lines else ()
    return msgspec.structs.replace(check, state=State.BAD, message=message, commands=commands)


def network_check(config: Config, unit: Unit, view: View, base: tuple[str, ...]) -> Check | None:
    """Return which setting keeps the service from the API, if only the service cannot reach it."""
    if not _is_silent(view.facts) or not _reaches(config.graph.base_url):
        return None
    settings = network_lines(unit.settings)
    attempts: list[tuple[str, tuple[str, ...]]] = [(named, (line,)) for named, line in settings]
    if len(settings) > 1:
        attempts.append(("", tuple(line for _, line in settings)))
    for named, lines in attempts:
        found = probe(unit, (*base, *lines))
        if isinstance(found, Facts) and not _is_silent(found):
            setting = f" ({named})" if named else ""
            message = f"{unit.name} cannot reach {config.graph.base_url}{setting}"
            return bad("network", message, drop_in_commands(unit.name, lines))
    message = f"{unit.name} cannot reach {config.graph.base_url}, and root can"
    return bad("network", f"{message}: find the setting of the unit that denies it")


def _is_silent(found: Facts) -> bool:
    """Return whether a call with a token had no response."""
    calls = [] if found.contents is None else [one.token for one in found.contents.accounts]
    return any(isinstance(call, Failed) and call.has_no_response for call in calls)


def _reaches(url: str) -> bool:
    """Return whether this process can connect to the server of a URL."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_TIMEOUT).close()
    except OSError:
        return False
    return True
