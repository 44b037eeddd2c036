"""The tokens as the service gets them: those of systemd from where the unit has them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from syncd.check.result import Place
from syncd.check.shell import Command, run
from syncd.check.unit import Unit
from syncd.check.unit_sandbox import drop_in
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
"""Where a credential is looked for that is no path (systemd.exec(5), LoadCredential=)."""


class Refused(msgspec.Struct, frozen=True):
    """A secret that the service will not get, and why."""

    said: str
    commands: tuple[Command, ...] = ()
    place: Place | None = None


class Unseen(msgspec.Struct, frozen=True):
    """A secret that this user may not see, but the service gets perhaps."""

    said: str


Handed = Secret | Refused | Unseen
Read = Callable[[SecretSource], Handed]
Opened = Credentials | Refused | Unseen


def handed_over(config: Config, unit: Unit, *, root: bool) -> dict[SecretSource, Handed]:
    """Return what systemd gives to the unit's service of all that is configured; takes root."""
    found: dict[SecretSource, Handed] = {}
    for source in _sources(config):
        match source:
            case Credential(name):
                found[source] = _credential(name, unit, root=root)
            case Variable(name):
                found[source] = _variable(name, unit)
            case SecretFile():
                pass  # the service itself reads it
    return found


def reader(
    handed: Mapping[SecretSource, Handed],
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
) -> Read:
    """Return what reads a secret, and hides it; what was not handed over is read as it is."""

    def read(source: SecretSource) -> Handed:
        found = handed.get(source)
        if found is None:
            found = _read(source, environ)
        if isinstance(found, Secret):
            hide(found)
        return found

    return read


def opened(config: Config, account: AccountConfig, read: Read) -> Opened:
    """Return what an account is called with, or why there is nothing."""
    token = read(config.token_of(account))
    source = config.app_secret_of(account)
    app_secret = read(source) if source is not None else None
    if not isinstance(token, Secret):
        return token
    if app_secret is None or isinstance(app_secret, Secret):
        return Credentials(token, app_secret)
    return app_secret


def _sources(config: Config) -> Iterator[SecretSource]:
    for account in config.accounts.values():
        yield config.token_of(account)
        if (app_secret := config.app_secret_of(account)) is not None:
            yield app_secret


def _read(source: SecretSource, environ: Mapping[str, str]) -> Handed:
    try:
        return read_secret(source, environ)
    except SecretError as error:
        return Refused(str(error), (), place_of(source))


def place_of(source: SecretSource) -> Place | None:
    """Return where a secret's file lies, if it is one and there."""
    if not isinstance(source, SecretFile):
        return None
    path = os.fsencode(source.path)
    try:
        os.stat(path)
    except FileNotFoundError:
        return None
    except OSError:
        return Place(path, closed=True)
    return Place(path, closed=not os.access(path, os.R_OK))


def _credential(name: str, unit: Unit, *, root: bool) -> Handed:
    if name in unit.encrypted or name in unit.set_here:
        if not root:
            return Unseen(f"{unit.name} has the credential {name}, which root alone may look at")
        if name in unit.encrypted:
            return _decrypted(name, unit.encrypted[name])
        return Unseen(f"the credential {name} stands in {unit.name} itself: not looked at")
    if name not in unit.credentials:
        return Refused(
            f"{unit.name} has no LoadCredential={name}",
            drop_in(unit.name, [f"LoadCredential={name}"]),
        )
    if not root:
        return Unseen(f"systemd hands it to {unit.name}, and root alone may look at it")
    source = unit.credentials[name]
    file = _in_a_store(source, STORES)
    if file is None:
        place = source if source.startswith("/") else f"{STORES[0]}/{source}"
        return Refused(
            f"there is no {place}: write the token into it (paste it, Enter, Ctrl-D)",
            (
                run("install", "-D", "-m", "600", "/dev/stdin", place),
                run("systemctl", "try-restart", unit.short),
            ),
        )
    found = _read(SecretFile(file), {})
    # systemd reads it, whatever the service sees.
    return msgspec.structs.replace(found, place=None) if isinstance(found, Refused) else found


def _in_a_store(source: str, stores: tuple[str, ...]) -> str | None:
    files = [source] if source.startswith("/") else [f"{store}/{source}" for store in stores]
    return next((file for file in files if Path(file).exists()), None)


def _decrypted(name: str, source: str) -> Handed:
    encrypted = tuple(store.replace("credstore", "credstore.encrypted") for store in STORES)
    file = _in_a_store(source, (*encrypted, *STORES))
    if file is None:
        told = f"there is no {source} in {encrypted[0]}"
        return Refused(f"{told}: make it with systemd-creds encrypt")
    try:
        ended = subprocess.run(  # noqa: S603  words of our own, and a path of the unit's
            ["systemd-creds", "decrypt", f"--name={name}", file, "-"],  # noqa: S607  where differs
            check=False,
            capture_output=True,
        )
    except OSError as error:
        return Unseen(f"{file} is encrypted, and systemd-creds cannot be run: {error.strerror}")
    if ended.returncode:
        return Refused(f"{file} cannot be decrypted here: make it anew with systemd-creds encrypt")
    text = ended.stdout.decode("utf-8", "replace")
    try:
        return read_secret(Variable(name), {name: text})
    except SecretError as error:
        return Refused(str(error).replace(str(Variable(name)), str(Credential(name))))


def _variable(name: str, unit: Unit) -> Handed:
    environ = dict(unit.environment)
    for file in unit.environment_files:
        try:
            text = Path(file).read_text("utf-8")
        except PermissionError:
            return Unseen(f"{file} may have the variable {name}, and root alone may look at it")
        except (OSError, UnicodeDecodeError):
            continue
        environ |= _assignments(text)
    if name in environ:
        return _read(Variable(name), environ)
    return Refused(
        f"{unit.name} does not set the variable {name}: write it into a file that root alone"
        f" may read, and name that with EnvironmentFile= ({unit.short} does not see your shell's)"
    )


def _assignments(text: str) -> dict[str, str]:
    """Take the lines of an EnvironmentFile= apart, as far as a token's line goes."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and line[0] not in "#;"]
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
