"""Secrets that the service does not get: the reason in its unit, and the commands to type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncd.check.drop_in import drop_in_commands
from syncd.check.shell import Command
from syncd.check.unit import Unit
from syncd.config import Command as SecretCommand
from syncd.config import Credential, SecretFile, SecretSource, Variable

STORES = ("/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore")
"""Where systemd looks for a credential that is not an absolute path (systemd.exec(5))."""
ENCRYPTED_STORES = tuple(store.replace("credstore", "credstore.encrypted") for store in STORES)

Advice = tuple[str, tuple[Command, ...]]


def missing_secret(source: SecretSource, unit: Unit, what: str = "token") -> Advice | None:
    """Return why a service does not get a secret, `what`; None if its unit is not the reason."""
    match source:
        case Credential(name):
            loads = any(name == loaded for _, loaded, _ in _credentials(unit))
            advice = missing_credential(unit, name, what)
            if loads or advice is not None:
                return advice
            message = f"{unit.name} has no LoadCredential={name}"
            return message, drop_in_commands(unit.name, [f"LoadCredential={name}"])
        case Variable(name):
            message = (
                f"{unit.name} does not set the variable {name}, and does not see that of your"
                " shell: write it into a file that only root can read, and name that file with"
                " EnvironmentFile="
            )
            return message, ()
        case SecretFile() | SecretCommand():
            return None


def missing_credential(unit: Unit, name: str | None = None, what: str = "token") -> Advice | None:
    """Return that the credential of this name has no file, and how to create it.

    Without a name, any without which systemd does not start the service.
    """
    for setting, loaded, source in _credentials(unit):
        optional = setting == "LoadCredential" and not source.startswith("/")
        if name != loaded and (name is not None or optional):
            continue
        if setting == "LoadCredential" and not _exists(source, STORES):
            path = source if source.startswith("/") else f"{STORES[0]}/{source}"
            return (
                f"there is no {path}: write the {what} into it (paste it, Enter, Ctrl-D)",
                (
                    Command(("install", "-D", "-m", "600", "/dev/stdin", path)),
                    Command(("systemctl", "try-restart", unit.short_name)),
                ),
            )
        if setting == "LoadCredentialEncrypted" and not _exists(
            source, (*ENCRYPTED_STORES, *STORES)
        ):
            message = f"there is no {source} in {ENCRYPTED_STORES[0]}"
            return f"{message}: create it with systemd-creds encrypt", ()
    return None


def rejected_credential(unit: Unit) -> Advice:
    """Return the reason for which systemd cannot pass a credential whose file exists."""
    names = [name for setting, name, _ in _credentials(unit) if setting != "LoadCredential"]
    if not names:
        return "systemd cannot read a file of LoadCredential=", ()
    return (
        f"{' or '.join(names)} cannot be decrypted here: create it again with systemd-creds encrypt"
    ), ()


def _credentials(unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Return setting, name and source of each credential that the unit loads or sets."""
    settings = ("LoadCredential", "LoadCredentialEncrypted", "SetCredential",
                "SetCredentialEncrypted")  # fmt: skip
    for key, value in unit.settings:
        if key in settings:
            name, _, source = value.partition(":")
            yield key, name, source or name


def _exists(source: str, stores: tuple[str, ...]) -> bool:
    files = [source] if source.startswith("/") else [f"{store}/{source}" for store in stores]
    return any(Path(file).exists() for file in files)
