"""The calls of a command next to those of other processes: budgets, pauses, and memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.image_commands import ImageCommands
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.credentials import opener
from syncd.ledger import accounts
from syncd.ledger.accounts import SpentCall
from syncd.ledger.file import changing
from syncd.model import AccountId
from syncd.operations.listing import Selection, listed, total
from syncd.operations.session import Session, open_session
from syncd.operations.target import target
from syncd.sandbox.faults import Fault

ONE = AccountId("1")
SECOND = 'tier = "standard"\nbudget = { window = "1s" }'  # blocks are in proportion


@asynccontextmanager
async def session_of(rig: Rig, waits: list[str]) -> AsyncIterator[Session]:
    config = rig.config()
    chosen = target(config, "main")
    assert chosen is not None
    open_account = opener(config, rig.environ, lambda _: None)
    async with open_session(config, chosen, open_account, waits.append, "eva") as session:
        yield session


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_command_waits_for_the_budget_that_a_daemon_has_used(rig: Rig, when: str) -> None:
    rig.per_account = "budget = { points = 10 }\nreserve = 0.0"
    ImageCommands(rig)
    waits: list[str] = []

    def spend() -> None:
        with changing(rig.ledger) as db:  # as a daemon records its calls
            accounts.record_call(ONE, SpentCall(time.time(), 10, 0), 3600.0)(db)

    if when == "before":
        spend()
    async with session_of(rig, waits) as session:
        if when == "meanwhile":
            spend()
        command = asyncio.create_task(total(session))
        await until(lambda: waits == ["main: waiting for room in the account's budget"])
        command.cancel()
        await asyncio.wait([command])
    assert rig.sandbox.counts.calls("1") == 0


async def test_an_error_of_the_app_pauses_the_other_accounts_of_its_token(rig: Rig) -> None:
    rig.per_account, rig.accounts = SECOND, {"main": "1", "other": "2"}
    images = ImageCommands(rig)
    rig.sandbox.faults.add(Fault("4", times=1))
    assert (await images("list", "--account", "main")).code == 0
    paused = "SELECT act, kind FROM pause JOIN account ON account.id = account_id"
    assert rig.rows(paused) == [("2", "app throttled")]  # that of the first account has ended


async def test_a_throttled_call_is_a_pause_in_the_ledger_until_a_call_succeeds(rig: Rig) -> None:
    rig.per_account = 'tier = "standard"\nbudget = { window = "10s" }'
    images = ImageCommands(rig)
    rig.sandbox.faults.add(Fault("80004", times=1))
    command = asyncio.create_task(images("list", "--account", "main"))
    await until(lambda: rig.rows("SELECT kind FROM pause") == [("throttled",)])
    assert rig.sandbox.counts.calls("1") == 1
    assert (await command).code == 0
    assert rig.rows("SELECT kind FROM pause") == []


async def test_a_page_is_printed_before_the_next_one_is_requested(rig: Rig) -> None:
    ImageCommands(rig)
    rig.sandbox.switches = replace(rig.sandbox.switches, largest_page=4)
    for number in range(12):
        rig.sandbox.hold("1", f"{number}.jpg", picture(number))
    async with session_of(rig, []) as session:
        pages = 0
        async for part in listed(session, Selection(fields=("hash",))):
            pages += 1
            assert len(part.nodes) == 4
            assert rig.sandbox.counts.calls("1", "list") == pages
    assert pages == 3


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--account", "main"),
        ("get", "0123", "--account", "main"),
        ("upload", "a.jpg", "--account", "main"),
        ("copy", "0123", "--from", "2", "--to", "main"),
        ("delete", "0123", "--account", "main", "--yes"),
        ("download", "0123", "--account", "main", "--to", "."),
    ],
)
async def test_the_json_of_each_command_ends_with_the_error_of_the_account(
    rig: Rig, words: tuple[str, ...]
) -> None:
    images = ImageCommands(rig)
    (rig.path / "a.jpg").write_bytes(picture(1))
    rig.sandbox.tokens.revoke(rig.sandbox.token)
    at = [str(rig.path / word) if word in ("a.jpg", ".") else word for word in words]
    ended = await images(*at, "--json")
    assert ended.code == 69
    assert ended.rows[-1]["why"].startswith("190: ")


async def test_an_account_by_id_without_a_token_of_graph_is_wrong_usage(rig: Rig) -> None:
    images = ImageCommands(rig)
    text = images.config.read_text()
    token = 'token = {env = "SYNCD_TEST_TOKEN"}\n'
    images.config.write_text(text.replace(token, "").replace('id = "1"\n', f'id = "1"\n{token}'))
    assert (await images("list", "--account", "1")).code == 0
    other = await images("list", "--account", "77")
    assert (other.code, other.err.count("[graph] has no token")) == (2, 1)
    image = rig.sandbox.hold("77", "a.jpg", picture(1)).hash
    copied = await images("copy", image, "--from", "act_77", "--to", "1", "--json")
    assert [row["state"] for row in copied.rows] == ["copied"], "the source gets no call"


async def test_a_command_needs_a_ledger(rig: Rig) -> None:
    images = ImageCommands(rig)
    rig.ledger.unlink()
    listed_nothing = await images("list", "--account", "main")
    assert listed_nothing.code == 1
    assert "`syncd run` creates it" in listed_nothing.err
    assert not rig.ledger.exists()
