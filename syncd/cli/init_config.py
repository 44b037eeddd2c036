"""`syncd init`: a configuration and a token file from options, and what to do next."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import typer

from syncd.check.shell import quote
from syncd.cli.check import check
from syncd.cli.console import print_line
from syncd.cli.errors import Exit, fail
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.plan import plan
from syncd.cli.sandbox import DEFAULT_PORT, rehearsal
from syncd.config import ConfigError, Secret, SecretError, SecretFile, checked_secret, read_secret
from syncd.config.load import loads
from syncd.logs.setup import hide
from syncd.man.config_page import EXAMPLE
from syncd.sandbox.tokens import DEFAULT_TOKEN
from syncd.setup.files import write_new
from syncd.setup.places import UNIT, Places, places
from syncd.setup.written import (
    Draft,
    Folder,
    FormError,
    commented,
    in_options,
    read_accounts,
    read_folders,
)

SANDBOX_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


class Target(msgspec.Struct, frozen=True):
    """The configuration to write, and the files next to it."""

    config: Path
    places: Places

    @property
    def option(self) -> str:
        """Return the option that the commands need to find the configuration."""
        return "" if self.config == DEFAULT_CONFIG else f" --config {quote(str(self.config))}"


def target_of(config: Path) -> Target:
    """Return where to write; end the command if there is a configuration already."""
    path = Path(os.path.abspath(config))
    if os.path.lexists(path):
        fail(f"{path} exists already: edit it, name another file by --config, or remove it first")
    return Target(path, places(path, has_units=UNIT.exists()))


def write_from_options(
    config: Path,
    *,
    accounts: Sequence[str],
    folders: Sequence[str],
    token_file: str | None,
    ledger: Path | None,
    base_url: str | None,
    sandbox: bool,
) -> None:
    """Write what the options say, check it, show the plan and the next command."""
    target = target_of(config)
    try:
        named, chosen = read_accounts(accounts), read_folders(folders)
    except FormError as error:
        raise typer.BadParameter(str(error)) from None
    draft = Draft(
        token=target.places.source,
        ledger=os.path.abspath(ledger or target.places.ledger),
        accounts=named,
        folders=with_absolute_paths(chosen),
        base_url=base_url,
    )
    if sandbox:
        draft = in_sandbox(draft, target)
    if sandbox and token_file is None and not target.places.token.exists():
        secret: Secret | None = Secret(DEFAULT_TOKEN)
    else:
        secret = _token(token_file, target)
    write(target, draft, secret, creates_folders=sandbox and not folders)


def in_sandbox(draft: Draft, target: Target) -> Draft:
    """Return a draft for `syncd sandbox`; without a folder, with one for pictures."""
    default = rehearsal(SANDBOX_URL, draft.token, target.config.parent, draft.accounts)
    return msgspec.structs.replace(
        draft,
        base_url=draft.base_url or default.base_url,
        accounts=default.accounts,
        folders=draft.folders or default.folders,
    )


def with_absolute_paths(folders: Mapping[str, Folder]) -> dict[str, Folder]:
    """Return the folders with paths that do not depend on the working directory."""
    return {
        name: msgspec.structs.replace(folder, path=os.path.abspath(folder.path))
        for name, folder in folders.items()
    }


def problems_of(target: Target, draft: Draft) -> list[str]:
    """Return each mistake in a draft that a start would report."""
    try:
        loads(_text(target, draft), target.config, os.environ)
    except ConfigError as error:
        return [in_options(problem) for problem in error.problems]
    except UnicodeEncodeError:
        return ["a path is not UTF-8, and a configuration cannot name it: rename the directory"]
    return []


def missing_folders(draft: Draft) -> list[str]:
    """Return a sentence about each folder that does not exist."""
    return [
        f"--folder {name}: {folder.path} is not a directory: create it, or correct the path"
        for name, folder in draft.folders.items()
        if not os.path.isdir(folder.path)
    ]


def _text(target: Target, draft: Draft) -> str:
    text = commented(draft, EXAMPLE.read_text(encoding="utf-8"), str(target.config))
    text.encode()  # raises for a path that is not UTF-8
    return text


def write(
    target: Target, draft: Draft, secret: Secret | None, *, creates_folders: bool = False
) -> None:
    """Write the configuration and the token, if there is a new one; check and show the plan."""
    problems = problems_of(target, draft)
    if not creates_folders:
        problems += missing_folders(draft)
    if problems:
        fail("\n\n".join(["nothing was written", *problems]), Exit.CONFIGURATION)
    with ExitStack() as undo:  # a configuration without its token does not remain
        if secret is not None:
            content = f"{secret.reveal()}\n".encode()
            _write(target.places.token, content, 0o600)
            undo.callback(target.places.token.unlink)
        _write(target.config, _text(target, draft).encode(), 0o644)
        undo.pop_all()
    for folder in draft.folders.values():
        Path(folder.path).mkdir(parents=True, exist_ok=True)
    if secret is not None:
        print_line(f"wrote {target.places.token}, which only its owner can read")
    print_line(f"wrote {target.config}, with all settings and their defaults")
    if not target.places.units:
        Path(draft.ledger).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _show_next(target, sandbox=draft.base_url)


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, content, mode)
    except FileExistsError:
        fail(f"{path} exists already, and is kept: leave out the token, or remove the file first")
    except PermissionError:
        fail(f"this user cannot write {path}: use sudo, or name another file, such as"
             " --config ./config.toml")  # fmt: skip


def _show_next(target: Target, *, sandbox: str | None) -> None:
    """Check the configuration and show its plan, if that is possible; print the next command."""
    if sandbox is not None and not _accepts_connections(sandbox):
        commands = ["syncd sandbox    # in another terminal", f"syncd check{target.option}",
                    f"syncd plan{target.option}", f"syncd backfill{target.option}"]  # fmt: skip
        _print_next(commands)
        return
    print_line(f"$ syncd check{target.option}")
    if (code := _checked(target.config)) != Exit.DONE:
        print_line("Correct what is not ok, then:")
        print_line(f"    syncd check{target.option}")
        raise typer.Exit(code)
    print_line(f"$ syncd plan{target.option}")
    plan(target.config)
    if target.places.units:
        _print_next([f"sudo systemctl enable --now {' '.join(target.places.units)}"])
    else:
        _print_next([f"syncd backfill{target.option}", f"syncd run{target.option}"])


def _print_next(commands: Sequence[str]) -> None:
    print_line("Next:")
    for command in commands:
        print_line(f"    {command}")


def _checked(config: Path) -> int:
    try:
        check(config)
    except typer.Exit as ended:
        return ended.exit_code
    return Exit.DONE


def _accepts_connections(base_url: str) -> bool:
    url = urlsplit(base_url)
    try:
        with socket.create_connection((url.hostname, url.port or url.scheme), timeout=1):
            return True
    except OSError:
        return False


def _token(name: str | None, target: Target) -> Secret | None:
    """Return the token to write; None to use the file that is there already."""
    if name is None:
        if target.places.token.exists():
            return None
        raise typer.BadParameter(
            "name a file that contains the token, or - to read it from stdin"
            f" (or write it into {target.places.token} first)",
            param_hint="--token-file",
        )
    try:
        if name == "-":
            secret = checked_secret(sys.stdin.read(), "stdin")
        else:
            secret = read_secret(SecretFile(os.path.abspath(name)), os.environ)
    except SecretError as error:
        raise typer.BadParameter(str(error), param_hint="--token-file") from None
    hide(secret)
    return None if os.path.abspath(name) == str(target.places.token) else secret
