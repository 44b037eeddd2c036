"""Verdicts: from facts to the sentences that the operator reads. No IO."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from syncd.check.drop_in import Effect, Restriction
from syncd.check.facts import (
    AccountFacts,
    CallFacts,
    Contents,
    Failed,
    FolderFacts,
    Grant,
    LedgerFacts,
    LedgerState,
    MetricsFacts,
    Node,
    PathFacts,
    Unsent,
)
from syncd.check.result import Check, CheckedPath, bad, ok, warning
from syncd.check.shell import Command
from syncd.check.user import User
from syncd.config import AccountConfig, Config, FolderConfig, MetricsConfig
from syncd.config.account_change import AccountChange
from syncd.folders import skipped
from syncd.model import AccountId, printable
from syncd.rules.errors import Verdict, is_permission, judge, remedy
from syncd.rules.token import MORE_SCOPES, RENEWAL, notice

LEDGER = "ledger"


def restriction_of(inside: PathFacts, outside: PathFacts, *, writes: bool) -> Restriction | None:
    """Return what the unit does to a path, from what its service finds there and what root finds.

    Another inode at a step is another directory: the path is hidden. The same inode, and no access
    to it, is a matter of permissions. For a path that does not exist, the directory that does. A
    path that only the service finds is a directory that systemd creates for it (StateDirectory=).
    """
    if outside.error == errno.ENOENT and not inside.error:
        return None
    seen = {step.path: (step.device, step.inode) for step in inside.steps}
    last = outside.last
    if seen.get(last.path) == (last.device, last.inode):
        protected = writes and inside.read_only and not outside.read_only
        return Restriction(Effect.PROTECTS, os.fsdecode(last.path)) if protected else None
    if denied_on_the_way(inside, outside):
        return None
    differing = next(
        step for step in outside.steps if seen.get(step.path) != (step.device, step.inode)
    )
    return Restriction(Effect.HIDES, os.fsdecode(differing.path))


def denied_on_the_way(inside: PathFacts, outside: PathFacts) -> bool:
    """Return whether permissions end the resolution, in a directory that root finds there too."""
    return inside.error == errno.EACCES and inside.last in outside.steps


def is_denied(found: PathFacts) -> bool:
    """Return whether the process that found these facts cannot read an existing path."""
    if found.error:
        return found.error == errno.EACCES
    return not found.readable


def configuration_check(found: PathFacts) -> Check:
    subject, path = "configuration", os.fsdecode(found.path)
    checked = CheckedPath(found.path, denied=is_denied(found))
    return (bad if checked.denied or found.error else ok)(subject, path, path=checked)


def ledger_check(
    ledger: bytes, found: LedgerFacts, at: PathFacts | None, user: User, group: str
) -> Check:
    """Return the check of the ledger; `at` is its directory, `group` the user's primary group."""
    path = printable(ledger)
    directory = os.path.dirname(ledger)
    where = os.fsdecode(directory)
    checked = CheckedPath(directory, denied=False, writes=True)
    denied = CheckedPath(directory, denied=True, writes=True)
    match found.state:
        case LedgerState.NO_DIRECTORY:
            owner = ("-o", user.name, "-g", group)
            create = Command(("install", "-d", *owner, "-m", "700", where))
            message = f"cannot create {path}: there is no {printable(directory)}"
            return bad(LEDGER, message, (create,), checked)
        case LedgerState.CLOSED if at is not None and at.read_only:
            return bad(LEDGER, f"{path}: its file system is mounted read-only", path=checked)
        case LedgerState.CLOSED:
            grant = Command(("setfacl", "-m", f"u:{user.name}:rwx", where))
            return bad(LEDGER, f"user {user.name} cannot write {path}", (grant,), denied)
        case LedgerState.FILE_CLOSED:
            files = tuple(os.fsdecode(ledger) + end for end in found.closed)
            chown = Command(("chown", f"{user.name}:", *files))
            message = f"user {user.name} cannot write {printable(files[0])}"
            return bad(LEDGER, message, (chown,), denied)
        case LedgerState.UNUSABLE:
            return bad(LEDGER, found.problem, path=checked)
        case LedgerState.OUTDATED:
            message = f"{path} (the next start backs it up and migrates it to this version)"
            return ok(LEDGER, message, checked)
        case LedgerState.FULL:
            left = f"{found.free / 2**20:,.0f} MB left"
            return bad(LEDGER, f"{path}: its disk has {left}: make room on it", path=checked)
        case LedgerState.SOUND if found.there:
            return ok(LEDGER, f"{path} ({found.free / 2**30:,.1f} GB free)", checked)
        case LedgerState.SOUND:
            return ok(LEDGER, f"{path} (will be created)", checked)


def metrics_checks(config: MetricsConfig, found: MetricsFacts, user: User) -> list[Check]:
    """Return the checks of [metrics]: of its library, its address and its file."""
    checks = []
    if not found.has_library:
        message = (
            "prometheus-client is not installed: /healthz and /readyz alone are served. Run `pip"
            " install 'syncd[metrics]'` in syncd's environment"
        )
        checks.append(bad("metrics", message))
    if config.listen is not None:
        address = printable(str(config.listen))
        problem = found.address
        checks.append(
            bad("metrics", f"{address}: {problem}") if problem else ok("metrics", address)
        )
    if config.textfile is not None:
        checks.append(_textfile_check(os.fsencode(config.textfile), found, user))
    return checks


def _textfile_check(file: bytes, found: MetricsFacts, user: User) -> Check:
    directory = os.path.dirname(file)
    path = CheckedPath(directory, denied=found.closed and not found.no_directory, writes=True)
    if found.no_directory:
        message = f"cannot create {printable(file)}: there is no {printable(directory)}"
        return bad("metrics", message, path=path)
    if found.closed:
        grant = Command(("setfacl", "-m", f"u:{user.name}:rwx", os.fsdecode(directory)))
        message = f"user {user.name} cannot write {printable(file)}"
        return bad("metrics", message, (grant,), path)
    return ok("metrics", printable(file), path)


def folder_check(folder: FolderConfig, found: FolderFacts) -> Check:
    subject, where = f"folder {folder.name}", printable(folder.path)
    readable = CheckedPath(folder.path, denied=False)
    if found.failure:
        return bad(subject, f"{where}: {found.failure}; syncd waits for it", path=readable)
    if found.denied:
        message = _denied(where, found.denied, found.first_denied)
        return bad(subject, message, path=CheckedPath(folder.path, denied=True))
    if found.troubles:
        more = f" (and {found.troubles - 1:,} more)" if found.troubles > 1 else ""
        first = f"{printable(found.first_trouble)}: {found.trouble}"
        return bad(subject, f"{where}: fix {first}{more}", path=readable)
    amount = (
        f"{_count(found.files, 'file', 'files')} in"
        f" {_count(found.directories, 'directory', 'directories')}"
    )
    if found.skipped:
        amount += f"; skipped: {skipped.sentence(found.skipped)}"
    return ok(subject, f"{where}: {amount}", readable)


def token_checks(
    accounts: Mapping[str, AccountConfig], found: Sequence[AccountFacts], now: float
) -> list[Check]:
    """Return a check for each distinct token, then one for each account; `now` in unix seconds."""
    tokens = [
        _token(f"token of {one.name}", one.token, one.grant, now)
        for one in found
        if one.token is not None
    ]
    return tokens + [_account(accounts[one.name], one) for one in found if one.name in accounts]


def route_checks(config: Config, contents: Contents) -> list[Check]:
    """Return a check for each folder whose own account has another id than before."""
    nodes = {one.name: one.account for one in contents.accounts}
    checks = []
    for one in contents.changed:
        folder = next((f for f in config.folders.values() if f.name == one.folder), None)
        if folder is None:
            continue
        account = config.accounts[folder.account]
        change = AccountChange(folder.name, AccountId(one.before), account)
        names = (
            str(n) if isinstance(n, Node) else None for n in (one.account, nodes[account.name])
        )
        advice = f"correct accounts.{account.name}.id if that is not intended"
        checks.append(warning("account id", f"{change.sentence(*names)}; {advice}"))
    return checks


def _token(subject: str, found: CallFacts, grant: Grant | None, now: float) -> Check:
    match found:
        case Unsent(problem):
            return bad(subject, problem)
        case Node(id_, name):
            return _granted(subject, f"accepted: {name or id_}", grant, now)
        case Failed():
            return bad(subject, _with_advice(found))


def _granted(subject: str, accepted: str, grant: Grant | None, now: float) -> Check:
    """Return the check of a token that the API accepts."""
    if grant is None:
        return ok(subject, f"{accepted}; the API does not show what it is valid for")
    message = accepted if grant.app is None else f"{accepted}, app {grant.app}"
    if grant.missing:
        missing = ", ".join(grant.missing)
        return bad(subject, f"{message}; it does not have the permission {missing}: {MORE_SCOPES}")
    if grant.expires_at is None:
        return ok(subject, message)
    date = datetime.fromtimestamp(grant.expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if grant.expires_at <= now:
        return bad(subject, f"{message}; it has expired on {date}: {RENEWAL}")
    message += f"; it expires on {date}"
    if notice(grant.expires_at, now) is None:
        return ok(subject, message)
    return warning(subject, f"{message}: {RENEWAL}")


def _account(account: AccountConfig, facts: AccountFacts) -> Check:
    subject, found = f"account {account.name}", facts.account
    match found:
        case Unsent():
            return bad(subject, "not checked: its token is not available")
        case Failed():
            return bad(subject, _with_advice(found))
        # developers.facebook.com, Ad Account, field account_status: 1 is ACTIVE
        case Node(_, _, status) if status not in (None, 1):
            message = f"act_{account.id} is not active (account_status {status})"
            return bad(subject, f"{message}: check it in Ads Manager")
        case Node():
            message = f"act_{account.id} {found if found.name else ''}".rstrip()
            if facts.images:
                count = _count(facts.images, "image", "images")
                message += f"; it has {count} that syncd does not manage"
            return ok(subject, message)


def _with_advice(failed: Failed) -> str:
    error = failed.error
    verdict = judge(error)
    advice = remedy(error, verdict)
    if verdict is Verdict.RETRY:
        advice = "check the network and graph.base_url, then try again"
    elif verdict is Verdict.STOP_ACCOUNT and not is_permission(error):
        advice = "give the token's user ads_management on this ad account, or correct its id"
    elif verdict.is_pause:
        advice = "wait: the account is throttled"
    elif advice is None:
        advice = remedy(error, Verdict.STOP_CALL)
    return f"{error}; {advice}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _denied(where: str, count: int, first: bytes) -> str:
    if count == 1 and not first:
        return where
    more = f" and {count - 1:,} more in it" if count > 1 else " in it"
    return f"{where}: permission denied for {printable(first)}{more}"
