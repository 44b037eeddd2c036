"""The verdict on a path, from what the service and root find at each step."""

import errno
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from syncd.check import facts
from syncd.check.drop_in import Effect, Restriction
from syncd.check.facts import (
    Contents,
    Facts,
    FolderFacts,
    LedgerFacts,
    LedgerState,
    MetricsFacts,
    PathFacts,
    Step,
    Unsent,
)
from syncd.check.result import State
from syncd.check.user import User
from syncd.check.verdict import is_denied, ledger_check, metrics_checks, restriction_of
from syncd.config import MetricsConfig
from syncd.config.listen import SocketPath

ROOT, SRV, FOLDER = Step(b"/", 1, 1), Step(b"/srv", 1, 2), Step(b"/srv/a", 1, 3)
OTHER_SRV, OTHER_FOLDER = Step(b"/srv", 2, 1), Step(b"/srv/a", 2, 3)


def seen(*steps: Step, error: int = 0, read_only: bool = False, readable: bool = True) -> PathFacts:
    return PathFacts(
        path=b"/srv/a",
        steps=(ROOT, *steps),
        error=error,
        readable=readable,
        read_only=read_only,
        directory=True,
    )


THERE, MISSING = seen(SRV, FOLDER), seen(SRV, error=errno.ENOENT)
HIDDEN_HERE, HIDDEN_ABOVE = Restriction(Effect.HIDES, "/srv/a"), Restriction(Effect.HIDES, "/srv")
INSIDE = {
    "the same directory": (seen(SRV, FOLDER), None),
    "the same directory, closed": (seen(SRV, FOLDER, readable=False), None),
    "the same directory below another one": (seen(OTHER_SRV, FOLDER), None),
    "a closed directory on the way": (seen(SRV, error=errno.EACCES), None),
    "another directory in its place": (seen(SRV, OTHER_FOLDER), HIDDEN_HERE),
    "nothing in its place": (seen(SRV, error=errno.ENOENT), HIDDEN_HERE),
    "another directory above": (seen(OTHER_SRV, OTHER_FOLDER), HIDDEN_ABOVE),
    "an empty directory above": (seen(OTHER_SRV, error=errno.ENOENT), HIDDEN_ABOVE),
    "an inaccessible directory above": (seen(OTHER_SRV, error=errno.EACCES), HIDDEN_ABOVE),
    "nothing above": (seen(error=errno.ENOENT), HIDDEN_ABOVE),
}


@pytest.mark.parametrize("what", INSIDE)
def test_another_inode_means_hidden_and_the_same_inode_means_permissions(what: str) -> None:
    inside, restriction = INSIDE[what]
    assert restriction_of(inside, THERE, writes=False) == restriction
    assert restriction_of(inside, THERE, writes=True) == restriction


@pytest.mark.parametrize(
    ("inside_ro", "outside_ro", "writes"), list(product([False, True], repeat=3))
)
def test_a_unit_protects_what_is_writable_outside_alone(
    inside_ro: bool, outside_ro: bool, writes: bool
) -> None:
    found = restriction_of(
        seen(SRV, FOLDER, read_only=inside_ro),
        seen(SRV, FOLDER, read_only=outside_ro),
        writes=writes,
    )
    protected = inside_ro and writes and not outside_ro
    assert found == (Restriction(Effect.PROTECTS, "/srv/a") if protected else None)


@pytest.mark.parametrize(
    ("inside", "restriction"),
    [
        (MISSING, None),
        (THERE, None),  # systemd created it, such as a StateDirectory=
        (seen(SRV, error=errno.ENOENT, read_only=True), Restriction(Effect.PROTECTS, "/srv")),
        (seen(OTHER_SRV, error=errno.ENOENT), HIDDEN_ABOVE),
    ],
)
def test_for_a_missing_path_the_directory_that_exists_is_compared(
    inside: PathFacts, restriction: Restriction | None
) -> None:
    assert restriction_of(inside, MISSING, writes=True) == restriction


@pytest.mark.parametrize(
    ("found", "denied"),
    [
        (THERE, False),
        (seen(SRV, FOLDER, readable=False), True),
        (seen(SRV, error=errno.EACCES, readable=True), True),
        (MISSING, False),
    ],
)
def test_a_path_is_denied_if_it_exists_and_cannot_be_read(found: PathFacts, denied: bool) -> None:
    assert is_denied(found) is denied


LEDGERS = {
    LedgerState.SOUND: (State.OK, "will be created", None),
    LedgerState.NO_DIRECTORY: (State.BAD, "there is no /srv/a", "install"),
    LedgerState.CLOSED: (State.BAD, "user syncd cannot write /srv/a/ledger.db", "setfacl"),
    LedgerState.FILE_CLOSED: (State.BAD, "user syncd cannot write /srv/a/ledger.db-wal", "chown"),
    LedgerState.UNUSABLE: (State.BAD, "not a database", None),
    LedgerState.OUTDATED: (State.OK, "the next start backs it up and migrates it", None),
    LedgerState.FULL: (State.BAD, "0 MB left: make room", None),
}


@pytest.mark.parametrize("state", list(LedgerState))
def test_each_state_of_the_ledger_has_a_sentence_and_its_command(state: LedgerState) -> None:
    outcome, text, program = LEDGERS[state]
    found = LedgerFacts(state=state, closed=("-wal",), problem="not a database")
    check = ledger_check(
        b"/srv/a/ledger.db", found, THERE, User("syncd", 9, 9, frozenset()), "syncd"
    )
    assert check.state is outcome
    assert text in check.message
    assert [command.words[0] for command in check.commands] == ([program] if program else [])


def test_a_read_only_file_system_is_not_a_matter_of_permissions() -> None:
    found = LedgerFacts(state=LedgerState.CLOSED)
    at = seen(SRV, FOLDER, read_only=True)
    check = ledger_check(b"/srv/a/ledger.db", found, at, User("syncd", 9, 9, frozenset()), "syncd")
    assert "mounted read-only" in check.message
    assert check.commands == ()


ALL_WELL = MetricsFacts(has_library=True, address="", no_directory=False, closed=False)
METRICS = MetricsConfig(
    listen=SocketPath("/run/syncd/metrics.sock"), textfile=Path("/srv/a/syncd.prom")
)


@pytest.mark.parametrize(
    ("change", "texts", "program"),
    [
        ({}, [], None),
        ({"has_library": False}, ["pip install 'syncd[metrics]'"], None),
        ({"address": "address already in use"}, ["metrics.sock: address already in use"], None),
        ({"closed": True}, ["user syncd cannot write /srv/a/syncd.prom"], "setfacl"),
        ({"no_directory": True, "closed": True}, ["there is no /srv/a"], None),
    ],
)
def test_each_problem_of_the_metrics_has_a_sentence_and_its_command(
    change: dict[str, Any], texts: list[str], program: str | None
) -> None:
    found = msgspec.structs.replace(ALL_WELL, **change)
    checks = metrics_checks(METRICS, found, User("syncd", 9, 9, frozenset()))
    bad = [check for check in checks if not check.is_ok]
    assert len(bad) == len(texts)
    assert all(text in check.message for text, check in zip(texts, bad, strict=True))
    words = [command.words[0] for check in bad for command in check.commands]
    assert words == ([program] if program else [])


FACTS = Facts(
    paths=(THERE,),
    contents=Contents(
        ledger=LedgerFacts(state=LedgerState.FILE_CLOSED, closed=("-wal",)),
        folders=(FolderFacts(name="a", skipped={".webp": 1}, first_denied=b"\xff"),),
        accounts=(
            facts.AccountFacts(
                name="m",
                token=None,
                grant=facts.Grant(app="App", expires_at=5.0, missing=()),
                account=Unsent("no token"),
            ),
        ),
        changed=(facts.RouteFacts("a", "123", Unsent("no token")),),
        metrics=ALL_WELL,
    ),
)


def test_facts_pass_unchanged_to_another_process() -> None:
    assert facts.decode(facts.encode(FACTS)) == FACTS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"paths": []',
        b'{"paths": [], "problem": 5}',
        b'{"paths": [], "problem": "' + b"x" * 501 + b'"}',
        facts.encode(FACTS).replace(b'"file_closed"', b'"rm -rf"'),
        facts.encode(FACTS).replace(b'"-wal"', b'"/../../etc/shadow"'),
        facts.encode(FACTS).replace(b'"steps":[', b'"steps":[],"x":['),
        facts.encode(FACTS).replace(b'"unsent"', b'"command"'),
        facts.encode(FACTS).replace(b'"123"', b'"1; rm"'),
        facts.encode(FACTS).replace(b'"expires_at":5.0', b'"expires_at":1e20'),
    ],
)
def test_anything_but_typed_and_bounded_facts_is_rejected(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        facts.decode(content)
