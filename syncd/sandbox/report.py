"""The state of the sandbox as plain values, for `/sandbox.json` and the page."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from syncd.sandbox.counts import Record
from syncd.sandbox.faults import Fault
from syncd.sandbox.graph import Graph
from syncd.sandbox.usage import percent
from syncd.sandbox.values import AccountId, Kind

_SHOWN_CALLS = 15


class AccountReport(msgspec.Struct, frozen=True, kw_only=True):
    """One account: percent of its budgets, and seconds until it accepts calls again."""

    account: AccountId
    held: int
    calls: dict[str, int]
    calls_in_all: int
    images_received: int
    bytes_received: int
    repeated_uploads: int
    while_blocked: int
    errors: dict[str, int]
    files_per_post: dict[str, int]
    most_in_flight: int
    score_percent: int
    calls_percent: int
    cpu_percent: int
    blocked_by: str | None
    blocked_seconds: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole sandbox."""

    tier: str
    accounts: list[AccountReport]
    calls_without_account: int
    faults: list[str]
    struck: dict[str, int]
    switches: dict[str, object]
    recent: list[Record]
    now: float


def report(graph: Graph) -> Report:
    """Return the current state of the sandbox."""
    state = graph.state
    accounts = dict.fromkeys([*state.library.accounts(), *state.counts.accounts()])
    return Report(
        tier=state.switches.tier,
        accounts=[_account(account, graph) for account in sorted(accounts)],
        calls_without_account=state.counts.of(None).calls.total(),
        faults=[described(fault) for fault in state.faults.active()],
        struck=dict(state.faults.struck),
        switches={n: v for n, v in asdict(state.switches).items() if v != float("inf")},
        recent=list(state.counts.recent)[: -_SHOWN_CALLS - 1 : -1],
        now=state.clock(),
    )


def described(fault: Fault) -> str:
    """Return a fault as text that `--fault` takes."""
    properties = {
        name: value
        for name, value in asdict(fault).items()
        if name != "name" and value not in (None, "all") and (name, value) not in _DEFAULTS
    }
    return ":".join([fault.name, *(f"{name}={_value(v)}" for name, v in properties.items())])


_DEFAULTS = {("rate", 1.0), ("after", 0)}


def _value(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _account(account: AccountId, graph: Graph) -> AccountReport:
    state = graph.state
    tally = state.counts.of(account)
    now = state.clock()
    budget = graph.budgets.of(account)
    usage = budget.usage(now, state.creatives.ads(account))
    block = budget.current_block(now)
    return AccountReport(
        account=account,
        held=len(state.library.images(account)),
        calls={str(kind): tally.calls[kind] for kind in Kind if tally.calls[kind]},
        calls_in_all=tally.calls.total(),
        images_received=tally.images,
        bytes_received=tally.bytes,
        repeated_uploads=tally.repeated_uploads,
        while_blocked=tally.while_blocked,
        errors=dict(tally.errors),
        files_per_post={str(n): times for n, times in sorted(tally.files_per_post.items())},
        most_in_flight=tally.most_in_flight,
        score_percent=percent(usage.score),
        calls_percent=percent(usage.calls),
        cpu_percent=percent(usage.cpu),
        blocked_by=None if block is None else block.error,
        blocked_seconds=0.0 if block is None else round(block.until - now, 1),
    )
