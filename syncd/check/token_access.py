"""The tokens and app secrets that the service gets: from systemd, from its unit, or from files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from syncd.check.result import CheckedPath
from syncd.check.shell import Command
from syncd.check.unit import Unit
from syncd.check.unit_sandbox import drop_in_commands
from syncd.config import (
    AccountConfig,
    Config,
    Credential,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    Variable,
    read_secret,
)
from syncd.graph.client import Credentials

STORES = ("/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore")
"""Where systemd looks for a credential that is not an absolute path (systemd.exec(5))."""


class Unavailable(msgspec.Struct, frozen=True):
    """A secret that the service will not get, the reason, and the commands to type."""

    message: str
    commands: tuple[Command, ...] = ()
    path: CheckedPath | None = None


class Unknown(msgspec.Struct, frozen=True):
    """A secret that this user is not allowed to read, though the service may get it."""

    message: str


SecretAccess = Secret | Unavailable | Unknown
ReadSecret = Callable[[SecretSource], SecretAccess]
TokenAccess = Credentials | Unavailable | Unknown


def secrets_from_systemd(
    config: Config, unit: Unit, *, root: bool
) -> dict[SecretSource, SecretAccess]:
    """Return the configured secrets that systemd passes to the service.

    `root` when this process can read them. Secrets in files are left out: the service itself reads
    these.
    """
    found: dict[SecretSource, SecretAccess] = {}
    for source in _sources(config):
        match source:
            case Credential(name):
                found[source] = _credential(name, unit, root=root)
            case Variable(name):
                found[source] = _variable(name, unit)
            case SecretFile():
                pass
    return found


def secret_reader(
    from_systemd: Mapping[SecretSource, SecretAccess],
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
) -> ReadSecret:
    """Return a function that reads a secret, and calls `hide` to keep it out of the output.

    A secret that systemd does not pass is read in the way that the daemon reads it.
    """

    def read(source: SecretSource) -> SecretAccess:
        found = from_systemd.get(source)
        if found is None:
            found = _read(source, environ)
        if isinstance(found, Secret):
            hide(found)
        return found

    return read


def token_access(config: Config, account: AccountConfig, read: ReadSecret) -> TokenAccess:
    """Return the token and app secret of an account, or why one of them cannot be read."""
    token = read(config.token_of(account))
    source = config.app_secret_of(account)
    app_secret = read(source) if source is not None else None
    if not isinstance(token, Secret):
        return token
    if app_secret is None or isinstance(app_secret, Secret):
        return Credentials(token, app_secret)
    return app_secret


def checked_path(source: SecretSource) -> CheckedPath | None:
    """Return the file of a secret; None for other sources and for a file that does not exist."""
    if not isinstance(source, SecretFile):
        return None
    path = os.fsencode(source.path)
    try:
        os.stat(path)
    except FileNotFoundError:
        return None
    except OSError:
        return CheckedPath(path, denied=True)
    return CheckedPath(path, denied=not os.access(path, os.R_OK))


def _sources(config: Config) -> Iterator[SecretSource]:
    for account in config.accounts.values():
        yield config.token_of(account)
        if (app_secret := config.app_secret_of(account)) is not None:
            yield app_secret


def _read(source: SecretSource, environ: Mapping[str, str]) -> SecretAccess:
    try:
        return read_secret(source, environ)
    except SecretError as error:
        return Unavailable(str(error), (), checked_path(source))


def _credential(name: str, unit: Unit, *, root: bool) -> SecretAccess:
    if name in unit.encrypted_credentials or name in unit.inline_credentials:
        if not root:
            return Unknown(f"only root can read the credential {name} of {unit.name}")
        if name in unit.encrypted_credentials:
            return _decrypt(name, unit.encrypted_credentials[name])
        return Unknown(f"not checked: {unit.name} sets the credential {name} in its own text")
    if name not in unit.credentials:
        return Unavailable(
            f"{unit.name} has no LoadCredential={name}",
            drop_in_commands(unit.name, [f"LoadCredential={name}"]),
        )
    if not root:
        return Unknown(f"systemd passes it to {unit.name}, and only root can read it")
    source = unit.credentials[name]
    file = _in_stores(source, STORES)
    if file is None:
        path = source if source.startswith("/") else f"{STORES[0]}/{source}"
        return Unavailable(
            f"there is no {path}: write the token into it (paste it, Enter, Ctrl-D)",
            (
                Command(("install", "-D", "-m", "600", "/dev/stdin", path)),
                Command(("systemctl", "try-restart", unit.short_name)),
            ),
        )
    found = _read(SecretFile(file), {})
    # systemd reads this file as root, outside the sandbox of the unit: its path needs no check.
    return msgspec.structs.replace(found, path=None) if isinstance(found, Unavailable) else found


def _in_stores(source: str, stores: tuple[str, ...]) -> str | None:
    files = [source] if source.startswith("/") else [f"{store}/{source}" for store in stores]
    return next((file for file in files if Path(file).exists()), None)


def _decrypt(name: str, source: str) -> SecretAccess:
    encrypted = tuple(store.replace("credstore", "credstore.encrypted") for store in STORES)
    file = _in_stores(source, (*encrypted, *STORES))
    if file is None:
        message = f"there is no {source} in {encrypted[0]}"
        return Unavailable(f"{message}: create it with systemd-creds encrypt")
    try:
        ended = subprocess.run(  # noqa: S603  the words are constants, and a path of the unit
            ["systemd-creds", "decrypt", f"--name={name}", file, "-"],  # noqa: S607  found on PATH
            check=False,
            capture_output=True,
        )
    except OSError as error:
        return Unknown(f"{file} is encrypted, and systemd-creds cannot be run: {error.strerror}")
    if ended.returncode:
        return Unavailable(
            f"{file} cannot be decrypted here: create it again with systemd-creds encrypt"
        )
    text = ended.stdout.decode("utf-8", "replace")
    try:
        return read_secret(Variable(name), {name: text})
    except SecretError as error:
        return Unavailable(str(error).replace(str(Variable(name)), str(Credential(name))))


def _variable(name: str, unit: Unit) -> SecretAccess:
    environ = dict(unit.environment)
    for file in unit.environment_files:
        try:
            text = Path(file).read_text("utf-8")
        except PermissionError:
            return Unknown(f"{file} may set the variable {name}, and only root can read that file")
        except (OSError, UnicodeDecodeError):
            continue
        environ |= _assignments(text)
    if name in environ:
        return _read(Variable(name), environ)
    return Unavailable(
        f"{unit.name} does not set the variable {name}, and does not see that of your shell:"
        " write it into a file that only root can read, and name that file with EnvironmentFile="
    )


def _assignments(text: str) -> dict[str, str]:
    """Return the variables of an EnvironmentFile=, without line continuations and escapes."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and line[0] not in "#;"]
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
