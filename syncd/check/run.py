"""Everything that `syncd check` looks at, in the order in which a person would mend things."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from syncd.check.fixes import completed
from syncd.check.folders import folder_read
from syncd.check.ledger import ledger_usable
from syncd.check.perspective import View
from syncd.check.result import Check, Place, bad, ok
from syncd.check.token_access import Read, handed_over, opened, place_of, reader
from syncd.check.tokens import account_seen, tokens
from syncd.check.unit_sandbox import window
from syncd.check.user import as_person
from syncd.check.watches import watches
from syncd.config import Config, FolderConfig, Secret
from syncd.graph.client import connect
from syncd.model import FolderName

Roots = Mapping[FolderName, bytes]
"""By which path each folder is reached."""


def check_all(
    config: Config,
    view: View,
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
    inotify: Path,
) -> list[Check]:
    """Look as the view's person; what it may not see, this process looks into, to say why."""
    root = os.geteuid() == 0
    handed = {} if view.unit is None else handed_over(config, view.unit, root=root)
    read = reader(handed, environ, hide)
    with _reached(config, view) as roots:
        found = as_person(
            view.person, lambda: asyncio.run(looked_at(config, view, roots, read, inotify))
        )
    return [completed(check, config, view) for check in found]


async def looked_at(
    config: Config, view: View, roots: Roots, read: Read, inotify: Path
) -> Sequence[Check]:
    """Return what this process itself can see."""
    state = None if view.unit is None else view.unit.state
    found = [
        _looked_as(view),
        _configuration(config),
        ledger_usable(config.ledger.path, view.person, state),
    ]
    directories = 0
    for name, folder in config.folders.items():
        one, count = await asyncio.to_thread(folder_read, folder, roots.get(name, folder.path))
        found.append(one)
        directories += count
    found.append(watches(inotify, directories, len(config.folders)))
    async with connect(config.graph.base_url, config.graph.version, config.graph.timeout) as client:
        openings = {
            name: opened(config, account, read) for name, account in config.accounts.items()
        }
        places = {
            name: place_of(config.token_of(account)) for name, account in config.accounts.items()
        }
        found += await tokens(client, openings, places)
        asking = (account_seen(client, config.accounts[name], o) for name, o in openings.items())
        found += await asyncio.gather(*asking)
    return found


def _looked_as(view: View) -> Check:
    person, unit = view.person, view.unit
    if unit is None:
        return ok("looked as", person.name)
    if person.name == unit.user:
        return ok("looked as", f"{person.name}, as {unit.name} does")
    return ok("looked as", f"{person.name}; {unit.name} looks as {unit.user}")


def _configuration(config: Config) -> Check:
    subject, path = "configuration", config.path
    place = Place(os.fsencode(path.absolute()), closed=not os.access(path, os.R_OK))
    return (bad if place.closed else ok)(subject, str(path), place=place)


@contextmanager
def _reached(config: Config, view: View) -> Iterator[Roots]:
    """Hold open what a unit binds in: its service comes to it past the directories above."""
    held: dict[FolderName, int] = {}
    try:
        for name, folder in config.folders.items():
            if view.unit is not None and _is_bound(view, folder):
                try:
                    held[name] = os.open(folder.path, os.O_PATH | os.O_DIRECTORY)
                except OSError:
                    continue  # it is not there, and that is found out later
        yield {name: b"/proc/self/fd/%d" % descriptor for name, descriptor in held.items()}
    finally:
        for descriptor in held.values():
            os.close(descriptor)


def _is_bound(view: View, folder: FolderConfig) -> bool:
    real = os.fsdecode(os.path.realpath(folder.path))
    return view.unit is not None and window(view.unit.walls, real) is not None
