"""The unit of `syncd web`: whether it finds what the pages need, which the daemon's unit may see.

A drop-in that shows folders to the daemon does not apply to the unit of the pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from syncd.check.fixes import Client
from syncd.check.inside import named_paths
from syncd.check.perspective import user_of
from syncd.check.probe import Failure
from syncd.check.result import Check, CheckedPath, bad, ok, unknown
from syncd.check.secrets import missing_secret
from syncd.check.service import View, completed, view_of
from syncd.check.start import start
from syncd.check.unit import Role, Unit
from syncd.check.user import User, group_name
from syncd.check.verdict import is_denied, ledger_check
from syncd.config import Config, SecretFile
from syncd.model import printable

SUBJECT = "web"


def pages_checks(config: Config, unit: Unit) -> list[Check]:
    """Return what the unit of the pages does not find, or that it finds everything."""
    started = start(unit)
    checks = [*started.checks]
    if isinstance(started.found, Failure):
        if not checks:
            reason = f"{unit.name} could not be tried: {started.found.reason}"
            checks = [unknown(SUBJECT, reason)]
    else:
        user = user_of(unit)
        view = view_of(config, unit, started.found, started.lines)
        found = _checks(config, unit, user, view)
        done = (completed(check, config, Client(user, unit), view) for check in found)
        checks += [check for check in done if not check.is_ok]
    if not checks:
        return [ok(SUBJECT, f"{unit.name} sees the ledger, the folders and the password")]
    return [msgspec.structs.replace(check, subject=SUBJECT) for check in checks]


def _checks(config: Config, unit: Unit, user: User, view: View) -> Iterator[Check]:
    directory, source = os.fsencode(config.ledger.path.parent), config.web.token
    password = os.fsencode(source.path) if isinstance(source, SecretFile) else None
    for path in named_paths(config, Role.PAGES):
        at = view.of(path).at(path)
        if at is not None and path not in (directory, password):
            denied = is_denied(at)
            found = bad if denied else ok
            yield found(SUBJECT, printable(path), path=CheckedPath(path, denied=denied))
    pages = view.of(directory).pages or view.facts.pages
    if pages is None:
        yield bad(SUBJECT, f"{unit.name} cannot load the configuration: {view.facts.problem}")
        return
    at, ledger = view.of(directory).at(directory), os.fsencode(config.ledger.path)
    yield ledger_check(ledger, pages.ledger, at, user, group_name(user.gid))
    if source is None or not pages.password:
        return
    advice = missing_secret(source, unit, "password")
    if advice is not None:
        yield bad(SUBJECT, *advice)
        return
    at = None if password is None else view.facts.at(password)
    file = None if at is None else CheckedPath(at.path, denied=is_denied(at))
    yield bad(SUBJECT, f"the password of [web]: {pages.password}", path=file)
