"""The run of all checks, in the order in which an operator would fix what they find."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from syncd.check import facts
from syncd.check.facts import Contents, Facts, Unsent
from syncd.check.fixes import Client
from syncd.check.inside import find_facts
from syncd.check.pages import pages_checks
from syncd.check.perspective import Perspective
from syncd.check.probe import Failure
from syncd.check.receivers import receiver_checks, sources
from syncd.check.result import Check, CheckedPath, State, bad, ok, unknown
from syncd.check.secrets import missing_secret
from syncd.check.service import View, completed, network_check, view_of
from syncd.check.start import start
from syncd.check.user import UnreadableProgramError, User, group_name, run_as
from syncd.check.verdict import (
    configuration_check,
    folder_check,
    is_denied,
    ledger_check,
    metrics_checks,
    route_checks,
    token_checks,
)
from syncd.check.watch_limit import WATCH_LIMIT, check_watch_limit
from syncd.config import Command, Config, MetricsConfig, Secret, SecretFile, SecretSource
from syncd.config.shard import Shard
from syncd.rules.forecast import amount

Hide = Callable[[Secret], None]

_ANOTHER = "not checked: the service read another configuration"


def check_all(
    config: Config,
    perspective: Perspective,
    environ: Mapping[str, str],
    hide: Hide,
    inotify: Path,
) -> list[Check]:
    """Run the checks in the perspective: in a probe of the unit, or as a user."""
    head = [_user(perspective)]
    if perspective.unit is not None and perspective.probes:
        pages = perspective.pages
        return [
            *head,
            *_of_service(config, perspective, environ, hide, inotify),
            *([] if pages is None else pages_checks(config, pages)),
        ]
    found = _found_as(config, perspective, environ, hide)
    if isinstance(found, Check):
        return [*head, found]
    checks = _checks(config, perspective, View(found, {}, {}), inotify)
    if perspective.unit is not None:
        checks = [_unproven(check, perspective.user) for check in checks]
    return head + checks


def _of_service(
    config: Config, perspective: Perspective, environ: Mapping[str, str], hide: Hide, inotify: Path
) -> list[Check]:
    unit = perspective.unit
    assert unit is not None  # noqa: S101  for mypy
    started = start(unit)
    if isinstance(started.found, Failure):
        if started.checks:
            return [*started.checks]
        return _untried(started.found, config, perspective, environ, hide, inotify)
    view = view_of(config, unit, started.found, started.lines)
    network = network_check(config, unit, view, started.lines)
    checks = _checks(config, perspective, view, inotify)
    return [*started.checks, *checks, *([] if network is None else [network])]


def _untried(
    failure: Failure,
    config: Config,
    perspective: Perspective,
    environ: Mapping[str, str],
    hide: Hide,
    inotify: Path,
) -> list[Check]:
    """Return the checks as the unit's user, none of which proves what the service finds."""
    assert perspective.unit is not None  # noqa: S101  for mypy
    alone = msgspec.structs.replace(perspective, probes=False)
    checks = check_all(config, alone, environ, hide, inotify)
    message = f"{perspective.unit.name} could not be tried: {failure.reason}"
    return [unknown("service", message), *checks[1:]]


def _found_as(
    config: Config, perspective: Perspective, environ: Mapping[str, str], hide: Hide
) -> Facts | Check:
    """Return the facts that the user of the perspective finds, in a process of its own."""
    user = perspective.user
    try:
        return facts.decode(run_as(user, lambda: facts.encode(find_facts(config, environ, hide))))
    except UnreadableProgramError as error:
        return bad(
            "program",
            f"{user.name} cannot read the Python that runs syncd, {sys.prefix} ({error}): install"
            f" syncd where every user can read it, such as /opt/syncd",
        )


def _checks(config: Config, perspective: Perspective, view: View, inotify: Path) -> list[Check]:
    """Return the checks of everything that the configuration names, with commands."""
    user, client = perspective.user, Client(perspective.user, perspective.unit)
    contents = view.facts.contents
    files = (os.fsencode(file.absolute()) for file in (config.path, *config.included))
    found_files = (view.facts.at(file) for file in files)
    checks = [configuration_check(at) for at in found_files if at is not None]
    if contents is None:
        if all(check.is_ok for check in checks):
            checks = [bad("configuration", f"not loaded: {view.facts.problem}")]
        return [completed(check, config, client, view) for check in checks]
    directory = os.fsencode(config.ledger.path.parent)
    seen = _contents(view, directory)
    found = view.of(directory).at(directory)
    ledger = os.fsencode(config.ledger.path)
    checks.append(ledger_check(ledger, seen.ledger, found, user, group_name(user.gid)))
    if config.ledger.shard is not None:
        checks.append(_shard(config, config.ledger.shard, seen.other_shard))
    directories = 0
    for name, folder in config.folders.items():
        read = {one.name: one for one in _contents(view, folder.path).folders}.get(name)
        if read is None:
            checks.append(unknown(f"folder {name}", _ANOTHER))
            continue
        checks.append(folder_check(folder, read))
        directories += read.directories
    checks.append(check_watch_limit(inotify, directories, len(config.folders)))
    checks += _metrics(config, view, user)
    checks += _secrets(config, contents, view, perspective)
    checks += _receivers(config, contents, view, perspective)
    return [completed(check, config, client, view) for check in checks]


def _shard(config: Config, shard: Shard, problem: str) -> Check:
    if problem:
        return bad("shard", problem)
    return ok("shard", f"{shard}: {len(config.accounts)} of {amount(len(config.ids), 'account')}")


def _metrics(config: Config, view: View, user: User) -> list[Check]:
    if config.metrics == MetricsConfig():
        return []
    file = config.metrics.textfile
    found = _contents(view, b"" if file is None else os.fsencode(file.parent)).metrics
    if found is None:
        return [unknown("metrics", _ANOTHER)]
    return metrics_checks(config.metrics, found, user)


def _contents(view: View, path: bytes) -> Contents:
    """Return what the service finds, with the drop-in for this path if there is one."""
    seen = view.of(path).contents or view.facts.contents
    assert seen is not None  # noqa: S101  for mypy
    return seen


def _secrets(
    config: Config, contents: Contents, view: View, perspective: Perspective
) -> Iterator[Check]:
    """Return the checks of tokens and accounts, with the reason in the unit for a missing one."""
    accounts = {str(name): account for name, account in config.accounts.items()}
    checks = token_checks(accounts, contents.accounts, time.time())
    checks += route_checks(config, contents)
    found = {one.name for one in contents.accounts}
    checks += [unknown(f"account {name}", _ANOTHER) for name in accounts if name not in found]
    unsent = {
        f"token of {one.name}": one.name
        for one in contents.accounts
        if isinstance(one.token, Unsent)
    }
    for check in checks:
        account = accounts.get(unsent.get(check.subject, ""))
        if account is None:
            yield check
            continue
        yield _of_source(check, config.token_of(account), "token", view, perspective)


def _receivers(
    config: Config, contents: Contents, view: View, perspective: Perspective
) -> Iterator[Check]:
    """Return the checks of the receivers of notifications and pings."""
    found = sources(config)
    for check in receiver_checks(contents.receivers):
        source = found.get(check.subject)
        if check.is_ok or source is None:
            yield check
        else:
            yield _of_source(check, source, "URL", view, perspective)


def _of_source(
    check: Check, source: SecretSource, what: str, view: View, perspective: Perspective
) -> Check:
    """Return the check of a secret that cannot be read, with the reason in the unit."""
    unit = perspective.unit
    if isinstance(source, SecretFile):
        path = os.fsencode(source.path)
        at = view.facts.at(path)
        denied = at is not None and is_denied(at)
        return msgspec.structs.replace(check, path=CheckedPath(path, denied=denied))
    if unit is not None and not perspective.probes and not isinstance(source, Command):
        return unknown(check.subject, f"systemd passes it to {unit.name} alone")
    advice = None if unit is None else missing_secret(source, unit, what)
    return check if advice is None else bad(check.subject, *advice)


def _unproven(check: Check, user: User) -> Check:
    """Return a check of another process than the service's: it may find something else."""
    if check.subject == WATCH_LIMIT:
        return check
    message = check.message
    if check.path is not None and check.path.denied and not check.path.writes:
        message += f": user {user.name} has no access to it"
    return msgspec.structs.replace(check, state=State.UNKNOWN, message=message, commands=())


def _user(perspective: Perspective) -> Check:
    user, unit = perspective.user, perspective.unit
    if unit is None:
        return ok("user", user.name)
    if user.name == unit.user:
        return ok("user", f"{user.name}, the user of {unit.name}")
    return ok("user", f"{user.name}; {unit.name} runs as {unit.user}")
