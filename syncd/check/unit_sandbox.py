"""The sandbox of a systemd unit: which paths it hides or makes read-only, and drop-ins against it.

systemd.exec(5), "Sandboxing" and "Paths": of two settings, the one for the longer path applies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from syncd.check.shell import Command

HOMES = ("/home", "/root", "/run/user")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  syncd writes nothing there
PROTECTED = {
    "strict": ("/",),
    "full": ("/usr", "/boot", "/efi", "/etc"),
    "yes": ("/usr", "/boot", "/efi"),
}
"""The directories that each value of ProtectSystem= makes read-only."""
UNPROTECTED = ("/dev", "/proc", "/sys")
"""The directories that ProtectSystem=strict leaves writable."""


class UnitSandbox(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a unit that restrict which files its service sees, named like them.

    Bind mounts are given by the path at which the service sees them. `read_write_paths` includes
    the state, cache, log and runtime directories of the unit.
    """

    protect_home: str = "no"  # no, yes, read-only, tmpfs
    protect_system: str = "no"  # no, yes, full, strict
    private_tmp: bool = False
    bind_paths: tuple[str, ...] = ()
    bind_read_only_paths: tuple[str, ...] = ()
    read_write_paths: tuple[str, ...] = ()
    read_only_paths: tuple[str, ...] = ()
    temporary_file_systems: tuple[str, ...] = ()
    inaccessible_paths: tuple[str, ...] = ()


class Restriction(msgspec.Struct, frozen=True):
    """A setting as it is written in the unit, and the path that it restricts."""

    setting: str
    value: str
    path: str

    def __str__(self) -> str:
        return f"{self.setting}={self.value}"


def hidden_by(sandbox: UnitSandbox, path: str) -> Restriction | None:
    """Return the setting that hides the path from the service.

    Bind mounts below an inaccessible path are dropped (systemd's namespace.c, drop_inaccessible).
    """
    hiding = list(_hiding(sandbox))
    absolute = [found for found in hiding if found.setting == "InaccessiblePaths"]
    absolute += [found for found in hiding if str(found) == "ProtectHome=yes"]
    bound = [(at, None) for at in (*sandbox.bind_paths, *sandbox.bind_read_only_paths)]
    return _longest([(found.path, found) for found in absolute], path) or _longest(
        [*((found.path, found) for found in hiding), *bound], path
    )


def read_only_by(sandbox: UnitSandbox, path: str) -> Restriction | None:
    """Return the setting that makes a visible path read-only for the service."""
    system = sandbox.protect_system
    read_only = [
        *(Restriction("ProtectSystem", system, at) for at in PROTECTED.get(system, ())),
        *(Restriction("ReadOnlyPaths", at, at) for at in sandbox.read_only_paths),
        *(Restriction("BindReadOnlyPaths", at, at) for at in sandbox.bind_read_only_paths),
    ]
    if sandbox.protect_home == "read-only":
        read_only += (Restriction("ProtectHome", "read-only", at) for at in HOMES)
    writable = [
        *sandbox.bind_paths, *sandbox.read_write_paths, *sandbox.temporary_file_systems,
        *(TEMPORARY if sandbox.private_tmp else ()),
        *(UNPROTECTED if system == "strict" else ()),
    ]  # fmt: skip
    return _longest(
        [*((found.path, found) for found in read_only), *((at, None) for at in writable)], path
    )


def bind_mount_above(sandbox: UnitSandbox, path: str) -> str | None:
    """Return the bind mount that the path is in; the service does not enter the directories above.

    Of nested bind mounts, the innermost.
    """
    bound = [*sandbox.bind_paths, *sandbox.bind_read_only_paths]
    return max((at for at in bound if is_within(path, at)), key=len, default=None)


def is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def drop_in_lines(
    restriction: Restriction, path: str, *, to_write: bool = False
) -> tuple[str, ...] | None:
    """Return the lines of a drop-in that make the path visible; None if the path has to move."""
    binding = ("BindPaths=" if to_write else "BindReadOnlyPaths=") + quote_path(path)
    match restriction.setting:
        case "PrivateTmp" | "InaccessiblePaths":
            return None
        case "ProtectHome" if restriction.value == "yes":  # it drops bind mounts below /home
            return ("ProtectHome=tmpfs", binding)
        case _:
            return (binding,)


def drop_in_commands(unit: str, lines: Iterable[str]) -> tuple[Command, ...]:
    """Return the commands that add lines to the [Service] of a unit and restart it.

    The file name starts with zz because later drop-ins override earlier ones.
    """
    directory = f"/etc/systemd/system/{unit}.d"
    return (
        Command(("mkdir", "-p", directory)),
        Command(("tee", "-a", f"{directory}/zz-check.conf"), ("[Service]", *lines)),
        Command(("systemctl", "daemon-reload")),
        Command(("systemctl", "try-restart", unit.removesuffix(".service"))),
    )


def quote_path(path: str) -> str:
    """Return a path quoted for a setting of a unit (systemd.syntax(7), "Quoting")."""
    text = path.replace("%", "%%")
    if not re.search(r"[\s\"'\\:]", text):
        return text
    return '"' + re.sub(r'([\\"])', r"\\\1", text) + '"'


def _hiding(sandbox: UnitSandbox) -> Iterator[Restriction]:
    if sandbox.protect_home in {"yes", "tmpfs"}:
        yield from (Restriction("ProtectHome", sandbox.protect_home, at) for at in HOMES)
    if sandbox.private_tmp:
        yield from (Restriction("PrivateTmp", "yes", at) for at in TEMPORARY)
    yield from (Restriction("TemporaryFileSystem", at, at) for at in sandbox.temporary_file_systems)
    yield from (Restriction("InaccessiblePaths", at, at) for at in sandbox.inaccessible_paths)


def _longest(
    restrictions: Iterable[tuple[str, Restriction | None]], path: str
) -> Restriction | None:
    """Return the restriction of the longest directory that contains the path.

    Of two for the same directory, the later one.
    """
    longest: tuple[str, Restriction | None] = ("", None)
    for at, restriction in restrictions:
        if is_within(path, at) and len(at) >= len(longest[0]):
            longest = (at, restriction)
    return longest[1]
