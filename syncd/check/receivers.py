"""Facts about the receivers of notifications and pings: whether their URLs can be read and used.

Nothing is sent: `syncd notify test` does that.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping

from syncd.check.facts import ReceiverFacts, bounded
from syncd.check.result import Check, bad, ok
from syncd.config import Config, SecretError, SecretSource, read_secret
from syncd.logs.secrets import without_secrets
from syncd.monitoring.transport import hide_url, url_problem

PING = "ping"
"""The name of the monitor of [ping]; receivers have the prefix of `subject_of`."""


def sources(config: Config) -> dict[str, SecretSource]:
    """Return the sources of URLs, by the subjects of their checks."""
    found = {subject_of(one.name): one.url for one in config.notify if one.url is not None}
    return found if config.ping.url is None else {**found, PING: config.ping.url}


def subject_of(name: str) -> str:
    """Return the subject of the check of a receiver."""
    return f"receiver {name}"


def receiver_facts(config: Config, environ: Mapping[str, str]) -> tuple[ReceiverFacts, ...]:
    """Read every URL, and look for the programs."""
    return tuple(
        ReceiverFacts(name, bounded(without_secrets(problem)))
        for name, problem in _problems(config, environ)
    )


def _problems(config: Config, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for subject, source in sources(config).items():
        given = config.environ_for(source, environ)
        yield subject, _problem(source, given, is_ping=subject == PING)
    for receiver in config.notify:
        if receiver.command:
            program = receiver.command[0]
            is_found = shutil.which(program, path=environ.get("PATH")) is not None
            problem = (
                f"the program {program} is not found, or this user cannot run it (in a unit, allow"
                " it with ExecPaths=)"
            )
            yield subject_of(receiver.name), "" if is_found else problem


def _problem(source: SecretSource, environ: Mapping[str, str], *, is_ping: bool) -> str:
    """Return why a URL cannot be used, or an empty text."""
    try:
        secret = read_secret(source, environ, "URL")
    except SecretError as error:
        return str(error)
    hide_url(secret)
    return url_problem(secret.reveal(), is_ping=is_ping)


def receiver_checks(found: tuple[ReceiverFacts, ...]) -> list[Check]:
    """Return a check for each receiver."""
    return [
        bad(one.name, one.problem)
        if one.problem
        else ok(one.name, "can be used; `syncd notify test` sends a test")
        for one in found
    ]
