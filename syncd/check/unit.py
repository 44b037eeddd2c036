"""The systemd unit that runs syncd with a configuration, with its drop-ins applied."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from pathlib import Path

import msgspec

from syncd.check.drop_in import split_words
from syncd.config.shard import SHARD_VARIABLE

CONFIGURATIONS = Path("/etc/syncd")
_PROPERTIES = (
    "LoadState", "InvocationID", "ExecStart", "User", "Group", "SupplementaryGroups",
    "StateDirectory", "ActiveState", "UnitFileState",
)  # fmt: skip
_TIMEOUT = 10.0  # seconds
_SPECIFIERS = {
    "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc",
    "T": "/tmp", "V": "/var/tmp",  # noqa: S108  names only
    "h": "/root", "u": "root", "U": "0", "g": "root", "G": "0", "%": "%",
}  # fmt: skip
"""Specifiers whose values are the same in all units of the system (systemd.unit(5))."""


class Role(Enum):
    """The command of syncd that a unit runs."""

    DAEMON = "run"
    PAGES = "web"


_UNITS = {Role.DAEMON: "syncd", Role.PAGES: "syncd-web"}
"""The name of the unit for /etc/syncd/config.toml, and of the template for instances."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit, and the lines of its [Service] in their order, with specifiers expanded."""

    name: str
    user: str
    group: str
    groups: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    unexpanded: tuple[tuple[str, str], ...]
    """Lines with a specifier that is not known here."""
    state_directory: str | None
    """The first StateDirectory=, as an absolute path."""
    invocation_id: str
    active: bool
    enabled: bool

    @property
    def role(self) -> Role | None:
        return next((role for role in Role if role.value in self.command), None)

    @property
    def shard(self) -> str | None:
        """The value of --shard, or that which Environment= gives to SHARD_VARIABLE last."""
        words = [word.partition("=") for word in words_of(self.settings, "Environment")]
        given = [value for name, _, value in words if name == SHARD_VARIABLE]
        command = self.command
        given += [after for word, after in pairwise(command) if word == "--shard"]
        given += [w.removeprefix("--shard=") for w in command if w.startswith("--shard=")]
        return given[-1] if given else None

    @property
    def short_name(self) -> str:
        """The name as one types it after `systemctl start`."""
        return self.name.removesuffix(".service")

    @property
    def command(self) -> list[str]:
        """The words of ExecStart=, with the prefixes of the first one."""
        commands = [value for key, value in self.settings if key == "ExecStart"]
        return split_words(commands[-1]) if commands else []

    @property
    def program(self) -> str:
        return self.command[0].lstrip("-:@+!") if self.command else ""


def unit_of(config: Path, role: Role = Role.DAEMON) -> Unit | None:
    """Return the unit that starts syncd with this configuration.

    None if there is no such unit, or no systemd.
    """
    names = [f"{_UNITS[role]}.service"]
    if config.parent == CONFIGURATIONS and re.fullmatch(r"[\w.:@-]+", config.stem):
        names.append(f"{_UNITS[role]}@{config.stem}.service")
    for name in names:
        properties = _properties(name)
        if properties is not None and str(config) in properties["ExecStart"][0].split():
            return parse_unit(name, properties, _systemctl("cat", "--no-pager", name) or "")
    return None


def parse_unit(name: str, properties: Mapping[str, Sequence[str]], text: str) -> Unit:
    """Return the unit from the output of `systemctl show` and `systemctl cat`."""

    def one(key: str) -> str:
        return " ".join(properties.get(key, ()))

    state = one("StateDirectory").split()
    return Unit(
        name=name,
        user=one("User") or "root",
        group=one("Group"),
        groups=tuple(one("SupplementaryGroups").split()),
        settings=service_settings(text, name),
        unexpanded=tuple(one for one in _lines(text) if not _is_known(one[1], name)),
        state_directory=f"/var/lib/{state[0].partition(':')[0]}" if state else None,
        invocation_id=one("InvocationID"),
        active=one("ActiveState") not in {"inactive", "failed"},
        enabled=one("UnitFileState") in {"enabled", "enabled-runtime"},
    )


def service_settings(text: str, unit: str) -> tuple[tuple[str, str], ...]:
    """Return the lines of [Service]; an empty value removes the earlier ones of the same key.

    A specifier that is not known here is left as it is.
    """
    found: list[tuple[str, str]] = []
    for key, value in _lines(text):
        if not value:
            found = [one for one in found if one[0] != key]
        else:
            found.append((key, _expanded(value, unit)))
    return tuple(found)


def words_of(settings: Sequence[tuple[str, str]], key: str) -> list[str]:
    """Return the words of all values of a list setting."""
    return [word for name, value in settings if name == key for word in split_words(value)]


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Return the assignments in [Service] (systemd.syntax(7)).

    A comment within a continued line is left out.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", ";"))]
    service = False
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.startswith("["):
            service = line.strip() == "[Service]"
        key, separator, value = line.partition("=")
        if service and separator:
            yield key.strip(), value.strip()


def _is_known(value: str, unit: str) -> bool:
    known = _specifiers(unit)
    return all(letter in known for letter in re.findall(r"%(.)", value))


def _expanded(value: str, unit: str) -> str:
    known = _specifiers(unit)
    return re.sub(r"%(.)", lambda m: known.get(m[1], m[0]), value)


def _specifiers(unit: str) -> dict[str, str]:
    full = unit.removesuffix(".service")
    prefix, _, instance = full.partition("@")
    return _SPECIFIERS | {
        "i": instance, "I": _unescaped(instance), "n": unit, "N": full,
        "p": prefix, "P": _unescaped(prefix), "j": _unescaped(prefix.rpartition("-")[2]),
    }  # fmt: skip


def _unescaped(name: str) -> str:
    """Return a part of a unit's name as systemd-escape --unescape does."""
    slashed = name.replace("-", "/")
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), slashed)


def _properties(name: str) -> dict[str, list[str]] | None:
    output = _systemctl("show", f"--property={','.join(_PROPERTIES)}", name)
    properties: dict[str, list[str]] = {}
    for key, _, value in (line.partition("=") for line in (output or "").splitlines()):
        properties.setdefault(key, []).append(value)
    loaded = properties.get("LoadState") == ["loaded"] and "ExecStart" in properties
    return properties if loaded else None


def _systemctl(*words: str) -> str | None:
    """Return the output of systemctl; None if it is not installed or cannot reach systemd."""
    try:
        ended = subprocess.run(  # noqa: S603  the words are constants and unit names
            ["systemctl", *words],  # noqa: S607  its directory differs between distributions
            check=False,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None
