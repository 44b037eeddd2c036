"""Several machines, each with its own ledger and a part of the accounts."""

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.config.shard import Shard
from syncd.model import AccountId
from syncd.sandbox.server import Sandbox

ACCOUNTS = {f"a{number}": str(number) for number in range(1, 7)}
FIRST = {n for n in ACCOUNTS.values() if Shard(0, 2).has(AccountId(n))}

OTHER = next(n for n in ACCOUNTS.values() if n not in FIRST)

SLOW_RELEASE = """
    CREATE TRIGGER slow BEFORE DELETE ON replica BEGIN
        SELECT count(*) FROM (
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)
            SELECT i FROM n
        );
    END
"""
"""Delays the second commit of a move for minutes."""


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """A folder that feeds six accounts."""
    rig = Rig(tmp_path, sandbox, accounts=ACCOUNTS, mirrors=tuple(ACCOUNTS)[1:])
    own, *_ = ACCOUNTS
    assert own == "a1"
    rig.write("1.jpg", picture(1))
    return rig


async def backfill(rig: Rig, shard: str, ledger: str) -> Ended:
    file = rig.write_config()
    file.write_text(file.read_text().replace(str(rig.ledger), str(rig.path / ledger)))
    return await syncd(rig, "backfill", "--shard", shard, "--json", "--config", str(file))


def holding(rig: Rig) -> set[str]:
    return {number for number in ACCOUNTS.values() if rig.holds(picture(1), number)}


async def test_two_machines_have_every_account_between_them_and_none_twice(rig: Rig) -> None:
    assert 0 < len(FIRST) < len(ACCOUNTS)
    ended = await backfill(rig, "0/2", "first.db")
    assert ended.code == 0, ended.err
    assert holding(rig) == FIRST
    calls = {number: rig.sandbox.counts.calls(number) for number in FIRST}
    ended = await backfill(rig, "1/2", "second.db")
    assert ended.code == 0, ended.err
    shown = json.loads(ended.out)["accounts"]
    assert {ACCOUNTS[name] for name in shown} == set(ACCOUNTS.values()) - FIRST
    assert holding(rig) == set(ACCOUNTS.values())
    assert {number: rig.sandbox.counts.calls(number) for number in FIRST} == calls

    refused = await backfill(rig, "0/2", "second.db")
    assert refused.code == 78
    assert "accounts that do not belong to shard 0/2" in refused.err
    assert all(f"act_{number} (1/2)" in refused.err for number in set(ACCOUNTS.values()) - FIRST)
    again = await backfill(rig, "1/2", "second.db")
    assert again.code == 0, "the start that was refused has changed the ledger"
    assert {number: rig.sandbox.counts.calls(number) for number in FIRST} == calls

    file = rig.write_config()
    shard = f'shard = "0/2"\npath = "{rig.path / "second.db"}"'
    file.write_text(file.read_text().replace(f'path = "{rig.ledger}"', shard))
    checked = await syncd(rig, "check", "--config", str(file))
    assert checked.code == 1
    assert "BAD shard" in checked.out
    assert "do not belong to shard 0/2" in checked.out


async def test_a_word_that_is_not_a_shard_is_wrong_usage(rig: Rig) -> None:
    ended = await backfill(rig, "2/2", "ledger.db")
    assert ended.code == 2
    assert "write K/N" in ended.err


async def test_a_moved_account_is_not_sent_again_by_its_new_machine(rig: Rig) -> None:
    assert (await backfill(rig, "0/1", "first.db")).code == 0
    calls = {number: rig.sandbox.counts.images(number) for number in ACCOUNTS.values()}
    assert (await backfill(rig, "0/2", "first.db")).code == 78
    file, second = str(rig.path / "config.toml"), str(rig.path / "second.db")
    for name, number in ACCOUNTS.items():
        if number in FIRST:
            continue
        given = name if number == OTHER else f"act_{number}"
        ended = await syncd(rig, "ledger", "move", given, "--to", second, "--config", file)
        assert ended.code == 0, ended.err
    for shard, ledger in (("0/2", "first.db"), ("1/2", "second.db")):
        ended = await backfill(rig, shard, ledger)
        assert ended.code == 0, ended.err
        assert (await syncd(rig, "ledger", "check", "--config", file)).code == 0
    assert {number: rig.sandbox.counts.images(number) for number in ACCOUNTS.values()} == calls


async def test_a_move_that_is_killed_between_its_commits_can_be_made_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox)
    rig.write("1.jpg", picture(1))
    file, other = str(rig.write_config()), tmp_path / "second.db"
    await rig.backfill()
    with closing(sqlite3.connect(rig.ledger)) as db:
        db.execute(SLOW_RELEASE)
    words = ("ledger", "move", "main", "--to", str(other), "--config", file)
    held = "SELECT hash FROM replica"
    async with running(rig, *words) as moving:
        await until(lambda: rows(other, held) != [])
        assert await moving.end(signal.SIGKILL) == -signal.SIGKILL
    with closing(sqlite3.connect(rig.ledger)) as db:
        db.execute("DROP TRIGGER slow")
    assert rows(rig.ledger, held) == rows(other, held)
    ended = await syncd(rig, *words)
    assert ended.code == 0, ended.err
    assert rows(rig.ledger, held) == []
    assert len(rows(other, held)) == 1
    ended = await syncd(rig, "log", "--what", "moved", "--config", file)
    assert "moved account main" in ended.out
    assert f"(to {other})" in ended.out


async def test_a_shard_without_an_account_runs_and_the_check_shows_it(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox)
    number = next(n for n in range(16) if not Shard(n, 16).has(AccountId("1")))
    file = rig.write_config()
    file.write_text(file.read_text().replace("[ledger]", f'[ledger]\nshard = "{number}/16"'))
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("daemon.started"))
        assert await daemon.end() == 0
    assert not [line for line in daemon.lines if "error" in line]
    ended = await syncd(rig, "check", "--config", str(file))
    assert ended.code == 0, ended.out + ended.err
    assert f"{number}/16: 0 of 1 account" in ended.out


def rows(ledger: Path, sql: str) -> list[tuple[str]]:
    """Return the rows of a query; none while the ledger does not exist."""
    if not ledger.exists():
        return []
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()
