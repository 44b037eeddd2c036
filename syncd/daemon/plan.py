"""`syncd plan`: what would be sent, worked out on a copy of the ledger; nothing is sent."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from syncd.config import AccountConfig, BatchConfig, Config
from syncd.daemon.folders import build_disk, declare
from syncd.engine.engine import terms_of
from syncd.ledger import accounts, queries, replicas
from syncd.ledger.database import Ledger, as_it_is, open_ledger
from syncd.ledger.queries import Count, FolderState, Tally
from syncd.model import AccountId, AccountName, Digest
from syncd.rules.batch import Candidate, choose_pack
from syncd.rules.forecast import Forecast, seconds_for
from syncd.rules.pacing.budget import Tier


class Errands(msgspec.Struct, frozen=True):
    """What would be done for one account: images, their bytes, and how long its budget takes."""

    tally: Tally
    bytes: int
    rejected: list[Count]
    forecast: Forecast


class Plan(msgspec.Struct, frozen=True):
    """What a backfill would do now."""

    accounts: Mapping[AccountName, Errands]
    folders: list[FolderState]
    unreadable: list[Count]


async def plan(config: Config) -> Plan:
    """Read the folders and compare; works beside a running daemon. Raises LedgerError."""
    with tempfile.TemporaryDirectory(prefix="syncd-plan-") as scratch:
        copy = Path(scratch) / "ledger.db"
        await asyncio.to_thread(_copy, config.ledger.path, copy)
        async with open_ledger(copy) as ledger:
            await _look(config, ledger)
            return await _plan(config, ledger)


def _copy(path: Path, to: Path) -> None:
    if path.exists():
        with as_it_is(path) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)


async def _look(config: Config, ledger: Ledger) -> None:
    ids = await declare(config, ledger)
    disk = build_disk(config, ledger, ids, arrived=lambda *_: None, changed=lambda _: None)
    async with asyncio.TaskGroup() as loops:
        reading = loops.create_task(disk.intake.run(), name="intake")
        async with asyncio.TaskGroup() as scans:
            for keeper in disk.keepers.values():
                scans.create_task(keeper.scan_all(), name="scan")
        await disk.intake.quiet()
        reading.cancel()


async def _plan(config: Config, ledger: Ledger) -> Plan:
    errands = {
        name: await _errands(ledger, account, config.pack)
        for name, account in config.accounts.items()
    }
    unreadable = [
        count
        for name in config.folders
        for count in await ledger.read(queries.unreadable_files(name))
    ]
    return Plan(errands, await ledger.read(queries.folder_states()), unreadable)


async def _errands(ledger: Ledger, account: AccountConfig, pack: BatchConfig) -> Errands:
    tally = await ledger.read(queries.tally(account.id))
    posts = await _posts(ledger, account.id, pack)
    terms, told = terms_of(account), await ledger.read(accounts.tier(account.id))
    budget = terms.budget(Tier(told) if told is not None else None).less(terms.reserve)
    ahead = Forecast(
        tally.missing, posts, seconds_for(posts, budget), seconds_for(tally.missing, budget)
    )
    return Errands(
        tally,
        await ledger.read(queries.missing_bytes(account.id)),
        await ledger.read(queries.rejections(account.id)),
        ahead,
    )


async def _posts(ledger: Ledger, account: AccountId, pack: BatchConfig) -> int:
    """Count POSTs by packing what is missing as a worker does."""
    posts, last = 0, Digest(b"")
    waiting: list[Candidate] = []
    while page := await ledger.read(replicas.missing_after(account, last, 500)):
        facts = await ledger.read(replicas.facts(account, page))
        waiting += [Candidate(d, facts[d].size, pack.images) for d in page]
        last = page[-1]
        while len(waiting) >= pack.images:
            _, waiting = choose_pack(waiting, pack.images, pack.bytes)
            posts += 1
    while waiting:
        _, waiting = choose_pack(waiting, pack.images, pack.bytes)
        posts += 1
    return posts
