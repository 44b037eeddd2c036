"""The unit that runs syncd by a configuration, as systemd knows it with all its drop-ins."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from syncd.check.unit_sandbox import Walls

CONFIGURATIONS = Path("/etc/syncd")
_PROPERTIES = (
    "LoadState", "InvocationID", "ExecStart", "User", "Group", "SupplementaryGroups",
    "Environment", "EnvironmentFiles", "StateDirectory", "CacheDirectory", "LogsDirectory",
    "RuntimeDirectory", "ProtectHome", "ProtectSystem", "PrivateTmp", "BindPaths",
    "BindReadOnlyPaths", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
    "TemporaryFileSystem",
)  # fmt: skip
_OWN = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache",
        "LogsDirectory": "/var/log", "RuntimeDirectory": "/run"}  # fmt: skip
_DEADLINE = 10.0  # seconds


class Unit(msgspec.Struct, frozen=True):
    """What of a unit's settings decides over what its service sees."""

    name: str
    user: str
    group: str
    groups: tuple[str, ...]
    walls: Walls
    credentials: Mapping[str, str]
    """By name, where LoadCredential= has each from: a path, or a name for the credstores."""
    encrypted: Mapping[str, str]
    """The same of LoadCredentialEncrypted=."""
    set_here: frozenset[str]
    """The credentials that stand in the unit itself."""
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    state: str | None
    """The first StateDirectory=, as a whole path."""
    invocation: str

    @property
    def short(self) -> str:
        """Its name as it is typed."""
        return self.name.removesuffix(".service")


def unit_of(config: Path) -> Unit | None:
    """Return the unit whose service is started with this configuration; None if there is none.

    Without systemd there is none.
    """
    names = ["syncd.service"]
    if config.parent == CONFIGURATIONS and re.fullmatch(r"[\w.:@-]+", config.stem):
        names.append(f"syncd@{config.stem}.service")
    for name in names:
        shown = _shown(name)
        if shown is not None and str(config) in shown["ExecStart"][0].split():
            return parse(name, shown, _asked("cat", "--no-pager", name) or "")
    return None


def parse(name: str, shown: Mapping[str, Sequence[str]], text: str) -> Unit:
    """Make a unit of what `systemctl show` and `systemctl cat` say of it."""

    def one(key: str) -> str:
        return " ".join(shown.get(key, ()))

    own = {key: [f"{place}/{d}" for d in one(key).split()] for key, place in _OWN.items()}
    state = own["StateDirectory"]
    # `systemctl show` calls credentials unprintable.
    settings = tuple(_settings(text, name))
    return Unit(
        name=name,
        user=one("User") or "root",
        group=one("Group"),
        groups=tuple(one("SupplementaryGroups").split()),
        walls=Walls(
            home=one("ProtectHome") or "no",
            system=one("ProtectSystem") or "no",
            private_tmp=one("PrivateTmp") not in {"", "no"},
            bound=_bound(one("BindPaths")),
            bound_read_only=_bound(one("BindReadOnlyPaths")),
            writable=(*_paths(one("ReadWritePaths")), *(d for ds in own.values() for d in ds)),
            read_only=_paths(one("ReadOnlyPaths")),
            emptied=tuple(path.split(":")[0] for path in _paths(one("TemporaryFileSystem"))),
            inaccessible=_paths(one("InaccessiblePaths")),
        ),
        credentials=_credentials(settings, "LoadCredential"),
        encrypted=_credentials(settings, "LoadCredentialEncrypted"),
        set_here=frozenset(
            {*_credentials(settings, "SetCredential")}
            | {*_credentials(settings, "SetCredentialEncrypted")}
        ),
        environment=dict(
            pair.split("=", 1) for pair in shlex.split(one("Environment")) if "=" in pair
        ),
        environment_files=tuple(
            re.sub(r" \(ignore_errors=\w+\)$", "", file)
            for file in shown.get("EnvironmentFiles", ())
        ),
        state=state[0] if state else None,
        invocation=one("InvocationID"),
    )


def _shown(name: str) -> dict[str, list[str]] | None:
    said = _asked("show", f"--property={','.join(_PROPERTIES)}", name)
    shown: dict[str, list[str]] = {}
    for key, _, value in (line.partition("=") for line in (said or "").splitlines()):
        shown.setdefault(key, []).append(value)
    loaded = shown.get("LoadState") == ["loaded"] and "ExecStart" in shown
    return shown if loaded else None


def _asked(*words: str) -> str | None:
    """Return what systemctl says; None where it is not, or has no systemd to ask."""
    try:
        ended = subprocess.run(  # noqa: S603  words of our own
            ["systemctl", *words],  # noqa: S607  where it is differs
            check=False,
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _paths(value: str) -> tuple[str, ...]:
    """Take a list of paths apart, which are shown with their blanks as they are."""
    return tuple(path.lstrip("-+") for path in re.split(r" (?=[-+]*/)", value) if path)


def _bound(value: str) -> tuple[str, ...]:
    """Return where paths are bound, from a list of FROM:TO:OPTIONS."""
    found = []
    for entry in _paths(value):
        both = entry.rpartition(":")[0]
        half = len(both) // 2
        same = both[:half] == both[half + 1 :]
        found.append(both[:half] if same else "/" + both.rpartition(":/")[2])
    return tuple(found)


def _settings(text: str, unit: str) -> Iterator[tuple[str, str]]:
    instance = unit.partition("@")[2].removesuffix(".service")
    known = {"%%": "%", "%i": instance, "%I": instance}
    for line in re.sub(r"\\\n", " ", text).splitlines():
        key, found, value = line.partition("=")
        if found and not line.lstrip().startswith(("#", ";")):
            expanded = re.sub(r"%[%iI]", lambda m: known[m[0]], value)
            yield key.strip(), expanded.strip()


def _credentials(settings: Sequence[tuple[str, str]], setting: str) -> dict[str, str]:
    """Return what is loaded from where; an empty setting forgets those before it."""
    found: dict[str, str] = {}
    for key, value in settings:
        if key == setting:
            name, _, source = value.partition(":")
            found = {**found, name: source or name} if name else {}
    return found
