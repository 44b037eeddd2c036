"""Settings of a unit that restrict its service, and the drop-in against each.

Which path is restricted was found in the sandbox itself. These functions name the setting that the
operator will find in the unit, and propose lines, which are tried before they are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from syncd.check.shell import Command

Settings = Sequence[tuple[str, str]]
"""The lines of [Service] in their order, with specifiers expanded."""

HOMES = ("/home", "/root", "/run/user")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  syncd writes nothing there
OFF = frozenset({"", "no", "false", "off", "0", "n", "f"})
HIDING = ("InaccessiblePaths", "TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths")
WRITE_PROTECTING = ("ReadOnlyPaths", "BindReadOnlyPaths")
NETWORK = {
    "PrivateNetwork": "PrivateNetwork=no",
    "RestrictAddressFamilies": "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "IPAddressDeny": "IPAddressDeny=",
    "IPIngressFilterPath": "IPIngressFilterPath=",
    "IPEgressFilterPath": "IPEgressFilterPath=",
    "RestrictNetworkInterfaces": "RestrictNetworkInterfaces=",
    "NetworkNamespacePath": "NetworkNamespacePath=",
}
"""The settings that restrict the network, and the line that lifts each restriction."""


class Effect(Enum):
    """The effect of a unit on a path."""

    HIDES = "does not see it"
    PROTECTS = "cannot write there"


class Restriction(msgspec.Struct, frozen=True):
    """An effect on a path, and the topmost directory that the service sees differently."""

    effect: Effect
    at: str


def blamed_setting(settings: Settings, restriction: Restriction) -> str | None:
    """Return the setting that restricts a path, as the unit has it; None if none of these does."""
    at = restriction.at
    hides = restriction.effect is Effect.HIDES
    values = dict(settings)  # the last value of a setting that is not a list
    home = values.get("ProtectHome", "").lower()
    if at == "/" and hides:
        key = next((key for key in ("RootDirectory", "RootImage") if values.get(key)), None)
        return None if key is None else f"{key}={values[key]}"
    within = [one for one in HOMES if is_within(at, one)]
    if within and home not in OFF and (hides is (home != "read-only")):
        return f"ProtectHome={values['ProtectHome']}"
    if hides and at in TEMPORARY and values.get("PrivateTmp", "").lower() not in OFF:
        return f"PrivateTmp={values['PrivateTmp']}"
    named = [
        (path, key)
        for key, value in settings
        if key in (HIDING if hides else WRITE_PROTECTING)
        for path in paths_of(value)
        if is_within(at, path)
    ]
    if named:
        path, key = max(named, key=lambda one: len(one[0]))
        return f"{key}={path}"
    system = values.get("ProtectSystem", "")
    return f"ProtectSystem={system}" if not hides and system.lower() not in OFF else None


def proposed_lines(
    settings: Settings, restriction: Restriction, path: str, *, writes: bool
) -> tuple[str, ...]:
    """Return the lines of a drop-in that may give the service access to a directory."""
    quoted = quote_path(path)
    if restriction.effect is Effect.PROTECTS:
        return (f"ReadWritePaths={quoted}",)
    binding = ("BindPaths=" if writes else "BindReadOnlyPaths=") + quoted
    blamed = blamed_setting(settings, restriction) or ""
    if blamed.startswith("ProtectHome=") and blamed != "ProtectHome=tmpfs":
        return ("ProtectHome=tmpfs", binding)  # other values drop bind mounts below /home
    return (binding,)


def network_lines(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return each setting of the unit that may restrict the network, and the line against it."""
    return tuple(
        (f"{key}={value}", NETWORK[key])
        for key, value in dict(settings).items()
        if key in NETWORK and value.lower() not in OFF and not _allows_internet(key, value)
    )


def _allows_internet(key: str, value: str) -> bool:
    return key == "RestrictAddressFamilies" and {"AF_INET", "AF_INET6"} <= {*value.split()}


def program_lines(settings: Settings, directories: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return, for each attempt, the lines that may let the service run a program.

    `directories` are those of the program and of the Python that runs it.
    """
    executable = "ExecPaths=" + " ".join(map(quote_path, directories))
    hidden = [one for one in directories if any(is_within(one, home) for home in HOMES)]
    attempts: list[tuple[str, ...]] = []
    if any(key in {"NoExecPaths", "ExecPaths"} for key, _ in settings):
        attempts.append((executable,))
    if hidden:
        bind = "BindReadOnlyPaths=" + " ".join(map(quote_path, hidden))
        attempts += [("ProtectHome=tmpfs", bind), ("ProtectHome=tmpfs", bind, executable)]
    return tuple(attempts)


def is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


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


def paths_of(value: str) -> list[str]:
    """Return the paths, as the service sees them, of a list of SOURCE:TARGET:OPTIONS."""
    found = []
    for word in split_words(value):
        fields = word.lstrip("-+").split(":")
        target = fields[1] if len(fields) > 1 and fields[1].startswith("/") else fields[0]
        found.append(target.rstrip("/") or "/")
    return found


def sources_of(value: str) -> list[str]:
    """Return the paths of this machine in a list of SOURCE:TARGET:OPTIONS that must exist."""
    words = [word.lstrip("+") for word in split_words(value)]
    return [word.split(":")[0] for word in words if word.startswith("/")]


def split_words(value: str) -> list[str]:
    """Split a value at blanks outside quotes; a backslash escapes a character."""
    words = re.findall(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+""", value)
    return [re.sub(r"""\\(.)|["']""", lambda m: m[1] or "", word) for word in words]
