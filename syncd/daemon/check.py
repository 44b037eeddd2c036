"""`syncd check`: whether configuration, ledger, folders, tokens and accounts are in place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from syncd.config import Account, Config, Folder
from syncd.engine.engine import Open
from syncd.folders.inside import Unreadable
from syncd.folders.looks import EVERYWHERE, Look
from syncd.folders.patterns import Patterns
from syncd.folders.walk import list_directory
from syncd.graph.client import Credentials, GraphClient, GraphError, connect
from syncd.ledger.database import reading
from syncd.ledger.errors import LedgerError
from syncd.ledger.schema import exists
from syncd.model import printable
from syncd.rules.verdicts import Verdict, judge


class Check(msgspec.Struct, frozen=True):
    """What was looked at, whether it is as it should be, and what was found or is to be done."""

    subject: str
    ok: bool
    said: str


async def checks(config: Config, open_account: Open, inotify: Path) -> list[Check]:
    """Return every check in the order in which a person would mend things."""
    found = [Check("configuration", True, str(config.path)), _ledger(config.ledger.path)]
    directories = 0
    for folder in config.folders.values():
        one, count = await asyncio.to_thread(_folder, folder)
        found.append(one)
        directories += count
    found.append(_watches(inotify, directories))
    async with connect(config.graph.base_url, config.graph.version, config.graph.timeout) as client:
        openings = [(account, open_account(account)) for account in config.accounts.values()]
        found += await _tokens(client, openings)
        found += await asyncio.gather(*(_account(client, *opening) for opening in openings))
    return found


def _ledger(path: Path) -> Check:
    if not exists(path):
        parent = path.parent
        if os.access(parent, os.W_OK | os.X_OK):
            return Check("ledger", True, f"{path} (will be made)")
        return Check(
            "ledger", False, f"cannot make {path}: make {parent} and let this user write there"
        )
    try:
        with reading(path):
            pass
    except LedgerError as error:
        return Check("ledger", False, str(error))
    if not os.access(path, os.W_OK):
        return Check("ledger", False, f"cannot write {path}: run as the user whose ledger it is")
    return Check("ledger", True, str(path))


def _folder(folder: Folder) -> tuple[Check, int]:
    subject = f"folder {folder.name}"
    patterns = Patterns(folder.include, folder.exclude)
    ahead, files, directories = [EVERYWHERE], 0, 0
    troubles: list[str] = []
    while ahead:
        look = ahead.pop()
        try:
            listing = list_directory(folder.path, look.path, patterns)
        except Unreadable as error:
            if not look.path:
                where = printable(folder.path)
                told = f"{where}: {error.reason}; syncd waits for it, or let this user read it"
                return Check(subject, False, told), 0
            troubles.append(f"{printable(look.path)}: {error.reason}")
            continue
        directories += 1
        files += len(listing.files)
        troubles += [f"{printable(t.path)}: {t.reason}" for t in listing.troubles]
        unreadable = [n for n in listing.files if not _readable(folder.path, look.path, n)]
        troubles += [f"{printable(_joined(look.path, n))}: permission denied" for n in unreadable]
        ahead += [Look(_joined(look.path, name), deep=True) for name in listing.directories]
    if troubles:
        more = f" (and {len(troubles) - 1:,} more)" if len(troubles) > 1 else ""
        return Check(subject, False, f"let this user read {troubles[0]}{more}"), directories
    said = f"{printable(folder.path)}: {files:,} files in {directories:,} directories"
    return Check(subject, True, said), directories


def _readable(root: bytes, directory: bytes, name: bytes) -> bool:
    return os.access(os.path.join(root, directory, name), os.R_OK)


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _watches(inotify: Path, directories: int) -> Check:
    subject = "watch limit"
    try:
        most = int((inotify / "max_user_watches").read_text("ascii"))
    except OSError:
        return Check(subject, True, "not shown here; the daemon says so if it is reached")
    if directories > most * 0.9:
        return Check(
            subject,
            False,
            f"{directories:,} directories, and {most:,} watches at most: write"
            f" fs.inotify.max_user_watches={max(2 * directories, 524_288)} into"
            " /etc/sysctl.d/50-syncd.conf, then run sysctl --system",
        )
    return Check(subject, True, f"{directories:,} directories of {most:,} that can be watched")


async def _tokens(
    client: GraphClient, openings: Sequence[tuple[Account, Credentials | str]]
) -> list[Check]:
    """Ask once for each token that differs."""
    found: list[Check] = []
    asked: list[Credentials] = []
    for account, credentials in openings:
        subject = f"token of {account.name}"
        if isinstance(credentials, str):
            found.append(Check(subject, False, credentials))
        elif credentials not in asked:
            asked.append(credentials)
            try:
                me = await client.me(credentials)
            except GraphError as error:
                found.append(Check(subject, False, _advice(error)))
            else:
                found.append(Check(subject, True, f"accepted: {me.name or me.id or 'nameless'}"))
    return found


async def _account(client: GraphClient, account: Account, credentials: Credentials | str) -> Check:
    subject = f"account {account.name}"
    if isinstance(credentials, str):
        return Check(subject, False, "not asked: it has no token")
    try:
        node = await client.account(account.id, credentials)
    except GraphError as error:
        return Check(subject, False, _advice(error))
    # developers.facebook.com, Ad Account, field account_status: 1 is ACTIVE
    if node.account_status not in (None, 1):
        told = f"act_{account.id} is not active (account_status {node.account_status})"
        return Check(subject, False, f"{told}: see to it in Ads Manager")
    return Check(subject, True, f"act_{account.id} {node.name or ''}".rstrip())


def _advice(error: GraphError) -> str:
    match judge(error.fault):
        case Verdict.STOP_TOKEN:
            advice = "give syncd a valid token"
        case Verdict.STOP_ACCOUNT:
            advice = "give the token's user ads_management on this ad account, or mend its id"
        case Verdict.STOP_VERSION:
            advice = "set graph.version to a current version"
        case Verdict.RETRY:
            advice = "check the network and graph.base_url, then try again"
        case (
            Verdict.PAUSE_ACCOUNT
            | Verdict.PAUSE_TOKEN
            | Verdict.PAUSE_ABUSE
            | Verdict.PAUSE_BLOCKED
        ):
            advice = "wait: the account is throttled"
        case _:
            advice = "check graph.base_url and graph.version"
    return f"{error.fault}; {advice}"
