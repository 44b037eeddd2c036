"""Inspections of tokens: one alert per token, and no call while its accounts take none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.rig import Rig, until

from syncd.config import AccountConfig, Secret
from syncd.daemon.runtime import open_runtime
from syncd.engine.token_inspections import TokenInspections
from syncd.graph.client import Credentials, connect
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token

DAY = 86400.0
TWO = {"main": "1", "other": "2"}
INCIDENTS = "SELECT event, subject, why FROM alert ORDER BY event, subject"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens=[Token(DEFAULT_TOKEN), Token("new")]) as running:
        yield running


@asynccontextmanager
async def inspecting(rig: Rig) -> AsyncIterator[tuple[TokenInspections, Any]]:
    """Return inspections of accounts whose engine does not run, and the accounts' lanes."""
    config = rig.config()

    def open_account(_: AccountConfig, /, *, again: bool = False) -> Credentials:
        return Credentials(Secret(DEFAULT_TOKEN))

    async with (
        open_runtime(config, open_account) as runtime,
        connect(rig.sandbox.url, "v25.0", 5.0) as client,
    ):
        await runtime.engine.restore()
        lanes = runtime.engine.lanes
        yield TokenInspections(lanes, runtime.ledger, client), list(lanes.values())


async def test_one_alert_names_all_accounts_of_a_token(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.switches = replace(sandbox.switches, token_lifetime=13 * DAY, token_scopes="ads_read")
    rig = Rig(tmp_path, sandbox, accounts=TWO, mirrors=("other",))
    async with inspecting(rig) as (inspections, _):
        assert await inspections.inspect_all()
    expiring, limited = rig.rows(INCIDENTS)
    assert tuple(expiring)[:2] == ("token.expiring", "accounts.main")
    assert "the token of main, other expires within 14 days, on 20" in expiring[2]
    assert tuple(limited)[:2] == ("token.limited", "accounts.main")
    assert limited[2] == "the token of main, other does not have the permission ads_management"
    assert sandbox.counts.calls(kind="other") == 1, "one call for two accounts"
    assert sandbox.counts.calls(kind="me") == 1


async def test_a_new_token_ends_the_alerts_of_the_old_one(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.tokens.add(Token(DEFAULT_TOKEN, expires_at=9e9, scopes=()))
    rig = Rig(tmp_path, sandbox)
    async with inspecting(rig) as (inspections, (lane,)):
        assert await inspections.inspect_all()
        assert [row[0] for row in rig.rows(INCIDENTS)] == ["token.limited"]
        lane.health.credentials = Credentials(Secret("new"))
        assert await inspections.inspect_all()
        assert rig.rows(INCIDENTS) == []


async def test_an_account_that_takes_another_token_leaves_the_alert(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.tokens.add(Token(DEFAULT_TOKEN, scopes=()))
    rig = Rig(tmp_path, sandbox, accounts=TWO, mirrors=("other",))
    async with inspecting(rig) as (inspections, (main, other)):
        await inspections.inspect_all()
        main.health.credentials = Credentials(Secret("new"))
        await inspections.inspect_all()
        assert [row[1] for row in rig.rows(INCIDENTS)] == ["accounts.other"]
        other.health.credentials = Credentials(Secret("new"))
        await inspections.inspect_all()
        assert rig.rows(INCIDENTS) == []


async def test_a_token_is_not_inspected_while_its_accounts_take_no_calls(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts=TWO, mirrors=("other",))
    async with inspecting(rig) as (inspections, (main, other)):
        main.gate.lock()
        other.gate.shut_until_reopened()
        assert not await inspections.inspect_all()
        assert sandbox.counts.calls() == 0
        main.gate.unlock()
        assert await inspections.inspect_all(), "one account takes calls"


@pytest.mark.parametrize("fault", ["2", "100", "2500", "reset_before"])
async def test_a_failed_inspection_keeps_the_alerts_and_stops_no_account(
    tmp_path: Path, sandbox: Sandbox, fault: str
) -> None:
    sandbox.tokens.add(Token(DEFAULT_TOKEN, scopes=()))
    rig = Rig(tmp_path, sandbox)
    async with inspecting(rig) as (inspections, (lane,)):
        await inspections.inspect_all()
        sandbox.faults.add(Fault(fault, on="me"))
        sandbox.faults.add(Fault(fault, on="other"))
        assert not await inspections.inspect_all()
        assert not lane.gate.is_shut
        assert [row[0] for row in rig.rows(INCIDENTS)] == ["token.limited"]


async def test_a_rejected_token_stops_the_accounts_that_use_it(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.tokens.revoke(DEFAULT_TOKEN)
    rig = Rig(tmp_path, sandbox, accounts=TWO, mirrors=("other",))
    async with inspecting(rig) as (inspections, lanes):
        assert not await inspections.inspect_all()
        assert [lane.health.stopped is not None for lane in lanes] == [True, True]


async def test_a_backfill_does_not_inspect_tokens(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.tokens.add(Token(DEFAULT_TOKEN, scopes=("ads_read", "ads_management"), expires_at=9e9))
    rig = Rig(tmp_path, sandbox)
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.calls() == 0


async def test_a_replaced_token_is_inspected_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.tokens.add(Token("new", scopes=()))
    rig = Rig(tmp_path, sandbox)
    async with inspecting(rig) as (inspections, (lane,)):
        lane.health.credentials = Credentials(Secret("new"))
        inspections.wake()
        task = asyncio.create_task(inspections.run())
        await until(lambda: [row[0] for row in rig.rows(INCIDENTS)] == ["token.limited"])
        task.cancel()
