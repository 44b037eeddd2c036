"""The systemd unit that runs syncd with a configuration, with its drop-ins applied."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from syncd.check.unit_sandbox import UnitSandbox

CONFIGURATIONS = Path("/etc/syncd")
_PROPERTIES = (
    "LoadState", "InvocationID", "ExecStart", "User", "Group", "SupplementaryGroups",
    "Environment", "EnvironmentFiles", "StateDirectory", "CacheDirectory", "LogsDirectory",
    "RuntimeDirectory", "ProtectHome", "ProtectSystem", "PrivateTmp", "BindPaths",
    "BindReadOnlyPaths", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
    "TemporaryFileSystem",
)  # fmt: skip
_UNIT_DIRECTORIES = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache",
                     "LogsDirectory": "/var/log", "RuntimeDirectory": "/run"}  # fmt: skip
_TIMEOUT = 10.0  # seconds


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a unit that determine what its service can access."""

    name: str
    user: str
    group: str
    groups: tuple[str, ...]
    sandbox: UnitSandbox
    credentials: Mapping[str, str]
    """LoadCredential=, by name: an absolute path, or a file name in the credential stores."""
    encrypted_credentials: Mapping[str, str]
    """LoadCredentialEncrypted=, in the same form."""
    inline_credentials: frozenset[str]
    """The names of the credentials that SetCredential= and SetCredentialEncrypted= define."""
    environment: Mapping[str, str]
    environment_files: tuple[str, ...]
    state_directory: str | None
    """The first StateDirectory=, as an absolute path."""
    invocation_id: str

    @property
    def short_name(self) -> str:
        """The name as one types it after `systemctl start`."""
        return self.name.removesuffix(".service")


def unit_of(config: Path) -> Unit | None:
    """Return the unit that starts syncd with this configuration.

    None if there is no such unit, or no systemd.
    """
    names = ["syncd.service"]
    if config.parent == CONFIGURATIONS and re.fullmatch(r"[\w.:@-]+", config.stem):
        names.append(f"syncd@{config.stem}.service")
    for name in names:
        properties = _properties(name)
        if properties is not None and str(config) in properties["ExecStart"][0].split():
            return parse_unit(name, properties, _systemctl("cat", "--no-pager", name) or "")
    return None


def parse_unit(name: str, properties: Mapping[str, Sequence[str]], text: str) -> Unit:
    """Return the unit from the output of `systemctl show` and `systemctl cat`.

    `systemctl show` does not print credentials, so these are read from the text.
    """

    def one(key: str) -> str:
        return " ".join(properties.get(key, ()))

    own = {
        key: [f"{parent}/{directory}" for directory in one(key).split()]
        for key, parent in _UNIT_DIRECTORIES.items()
    }
    settings = tuple(_settings(text, name))
    return Unit(
        name=name,
        user=one("User") or "root",
        group=one("Group"),
        groups=tuple(one("SupplementaryGroups").split()),
        sandbox=UnitSandbox(
            protect_home=one("ProtectHome") or "no",
            protect_system=one("ProtectSystem") or "no",
            private_tmp=one("PrivateTmp") not in {"", "no"},
            bind_paths=_bind_targets(one("BindPaths")),
            bind_read_only_paths=_bind_targets(one("BindReadOnlyPaths")),
            read_write_paths=(
                *_paths(one("ReadWritePaths")),
                *(directory for directories in own.values() for directory in directories),
            ),
            read_only_paths=_paths(one("ReadOnlyPaths")),
            temporary_file_systems=tuple(
                path.split(":")[0] for path in _paths(one("TemporaryFileSystem"))
            ),
            inaccessible_paths=_paths(one("InaccessiblePaths")),
        ),
        credentials=_credentials(settings, "LoadCredential"),
        encrypted_credentials=_credentials(settings, "LoadCredentialEncrypted"),
        inline_credentials=frozenset(
            {*_credentials(settings, "SetCredential")}
            | {*_credentials(settings, "SetCredentialEncrypted")}
        ),
        environment=dict(
            pair.split("=", 1) for pair in shlex.split(one("Environment")) if "=" in pair
        ),
        environment_files=tuple(
            re.sub(r" \(ignore_errors=\w+\)$", "", file)
            for file in properties.get("EnvironmentFiles", ())
        ),
        state_directory=own["StateDirectory"][0] if own["StateDirectory"] else None,
        invocation_id=one("InvocationID"),
    )


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
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _paths(value: str) -> tuple[str, ...]:
    """Split a list of paths, in which `systemctl show` does not quote blanks."""
    return tuple(path.lstrip("-+") for path in re.split(r" (?=[-+]*/)", value) if path)


def _bind_targets(value: str) -> tuple[str, ...]:
    """Return the target of each bind mount in a list of SOURCE:TARGET:OPTIONS.

    Colons in paths are not escaped: equal halves are a path that is bound to itself.
    """
    targets = []
    for entry in _paths(value):
        both = entry.rpartition(":")[0]
        half = len(both) // 2
        same = both[:half] == both[half + 1 :]
        targets.append(both[:half] if same else "/" + both.rpartition(":/")[2])
    return tuple(targets)


def _settings(text: str, unit: str) -> Iterator[tuple[str, str]]:
    instance = unit.partition("@")[2].removesuffix(".service")
    specifiers = {"%%": "%", "%i": instance, "%I": instance}
    for line in re.sub(r"\\\n", " ", text).splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.lstrip().startswith(("#", ";")):
            expanded = re.sub(r"%[%iI]", lambda m: specifiers[m[0]], value)
            yield key.strip(), expanded.strip()


def _credentials(settings: Sequence[tuple[str, str]], setting: str) -> dict[str, str]:
    """Return the source of each credential by its name; an empty setting resets the list."""
    found: dict[str, str] = {}
    for key, value in settings:
        if key == setting:
            name, _, source = value.partition(":")
            found = {**found, name: source or name} if name else {}
    return found
