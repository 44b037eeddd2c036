"""What a unit's sandbox hides from its service, or lets it only read, and the drop-in for it.

systemd.exec(5), "Sandboxing" and "Paths": of two settings, the one for the longer path holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from syncd.check.shell import Command, run

HOMES = ("/home", "/root", "/run/user")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  nothing is written there
SYSTEM = {
    "strict": ("/",),
    "full": ("/usr", "/boot", "/efi", "/etc"),
    "yes": ("/usr", "/boot", "/efi"),
}
"""What ProtectSystem= makes read-only."""
UNPROTECTED = ("/dev", "/proc", "/sys")
"""What ProtectSystem=strict leaves alone."""


class Walls(msgspec.Struct, frozen=True):
    """The settings of a unit that stand between its service and the files; paths as texts."""

    home: str = "no"  # ProtectHome: no, yes, read-only, tmpfs
    system: str = "no"  # ProtectSystem: no, yes, full, strict
    private_tmp: bool = False
    bound: tuple[str, ...] = ()  # BindPaths, where they are seen
    bound_read_only: tuple[str, ...] = ()  # BindReadOnlyPaths, in the same way
    writable: tuple[str, ...] = ()  # ReadWritePaths, and the directories that are the unit's own
    read_only: tuple[str, ...] = ()  # ReadOnlyPaths
    emptied: tuple[str, ...] = ()  # TemporaryFileSystem
    inaccessible: tuple[str, ...] = ()  # InaccessiblePaths


class Screen(msgspec.Struct, frozen=True):
    """A setting that is in the way, as it is written in a unit, and where it acts."""

    setting: str
    value: str
    at: str

    def __str__(self) -> str:
        return f"{self.setting}={self.value}"


def hidden_by(walls: Walls, path: str) -> Screen | None:
    """Return what keeps the service from seeing the path at all.

    What is inaccessible has nothing bound into it (namespace.c, drop_inaccessible).
    """
    screens = list(_screens(walls))
    shut = [screen for screen in screens if screen.setting == "InaccessiblePaths"]
    shut += [screen for screen in screens if str(screen) == "ProtectHome=yes"]
    windows = [(at, None) for at in (*walls.bound, *walls.bound_read_only)]
    return _nearest([(s.at, s) for s in shut], path) or _nearest(
        [*((s.at, s) for s in screens), *windows], path
    )


def sealed_by(walls: Walls, path: str) -> Screen | None:
    """Return what keeps the service from writing there, though it may see it."""
    seals = [
        *(Screen("ProtectSystem", walls.system, at) for at in SYSTEM.get(walls.system, ())),
        *(Screen("ReadOnlyPaths", at, at) for at in walls.read_only),
        *(Screen("BindReadOnlyPaths", at, at) for at in walls.bound_read_only),
        *(Screen("ProtectHome", "read-only", at) for at in HOMES if walls.home == "read-only"),
    ]
    open_ones = (*walls.bound, *walls.writable, *walls.emptied)
    if walls.private_tmp:
        open_ones += TEMPORARY
    if walls.system == "strict":
        open_ones += UNPROTECTED
    return _nearest([*((seal.at, seal) for seal in seals), *((at, None) for at in open_ones)], path)


def window(walls: Walls, path: str) -> str | None:
    """Return where the path is bound in from outside, so that nothing above that is passed."""
    bound = [at for at in (*walls.bound, *walls.bound_read_only) if within(path, at)]
    return max(bound, key=len, default=None)


def within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def lines_to_show(screen: Screen, path: str, *, to_write: bool = False) -> tuple[str, ...] | None:
    """Return what a drop-in must say for the service to see the path; None if it should move."""
    binding = ("BindPaths=" if to_write else "BindReadOnlyPaths=") + written(path)
    match screen.setting:
        case "PrivateTmp" | "InaccessiblePaths":
            return None
        case "ProtectHome" if screen.value == "yes":  # which lets nothing be bound below it
            return ("ProtectHome=tmpfs", binding)
        case _:
            return (binding,)


def drop_in(unit: str, lines: Iterable[str]) -> tuple[Command, ...]:
    """Return the commands that add lines to a unit's [Service], and let them come into force.

    Of drop-ins, the last by name has the last word.
    """
    directory = f"/etc/systemd/system/{unit}.d"
    return (
        run("mkdir", "-p", directory),
        Command(("tee", "-a", f"{directory}/zz-check.conf"), ("[Service]", *lines)),
        run("systemctl", "daemon-reload"),
        run("systemctl", "try-restart", unit.removesuffix(".service")),
    )


def written(path: str) -> str:
    """Return a path as a unit's setting takes it (systemd.syntax(7), "Quoting")."""
    text = path.replace("%", "%%")
    if not re.search(r"[\s\"'\\:]", text):
        return text
    return '"' + re.sub(r'([\\"])', r"\\\1", text) + '"'


def _screens(walls: Walls) -> Iterator[Screen]:
    if walls.home in {"yes", "tmpfs"}:
        yield from (Screen("ProtectHome", walls.home, at) for at in HOMES)
    if walls.private_tmp:
        yield from (Screen("PrivateTmp", "yes", at) for at in TEMPORARY)
    yield from (Screen("TemporaryFileSystem", at, at) for at in walls.emptied)
    yield from (Screen("InaccessiblePaths", at, at) for at in walls.inaccessible)


def _nearest(places: Iterable[tuple[str, Screen | None]], path: str) -> Screen | None:
    """Return what stands at the longest place that the path is in; the later one of equals."""
    found: tuple[str, Screen | None] = ("", None)
    for at, screen in places:
        if within(path, at) and len(at) >= len(found[0]):
            found = (at, screen)
    return found[1]
