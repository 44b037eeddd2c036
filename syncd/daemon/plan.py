"""`syncd plan`: what a backfill would send, computed on a copy of the ledger."""

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
from syncd.engine.lane import terms_of
from syncd.ledger import accounts, queries, replicas
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.file import reading
from syncd.ledger.queries import Count, FolderState, Tally
from syncd.model import AccountId, AccountName, FolderName
from syncd.rules.batch import Candidate, choose_batch, name_key
from syncd.rules.forecast import Forecast, seconds_for
from syncd.rules.pacing.budget import Tier

PAGE = 500
"""Missing images per query."""


class AccountPlan(msgspec.Struct, frozen=True):
    """The images that one account lacks, their bytes, and the time that its budget needs."""

    tally: Tally
    bytes: int
    rejected: list[Count]
    forecast: Forecast


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The result that a backfill would have now."""

    accounts: Mapping[AccountName, AccountPlan]
    folders: list[FolderState]
    skipped: Mapping[FolderName, list[Count]]  # by folder; the reasons are codes
    unreadable: list[Count]
    unfinished: list[Count]  # the reasons are codes


async def plan(config: Config) -> Plan:
    """Scan the folders and plan; a daemon may run at the same time. Raises LedgerError."""
    with tempfile.TemporaryDirectory(prefix="syncd-plan-") as scratch:
        copy = Path(scratch) / "ledger.db"
        await asyncio.to_thread(_copy, config.ledger.path, copy)
        async with open_ledger(copy) as ledger:
            await _scan(config, ledger)
            return await _plan(config, ledger)


def _copy(path: Path, to: Path) -> None:
    if path.exists():
        with reading(path) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)


async def _scan(config: Config, ledger: Ledger) -> None:
    ids = await declare(config, ledger)
    disk = build_disk(
        config, ledger, ids, arrived=lambda *_: None, found=lambda *_: None, changed=lambda _: None
    )
    async with asyncio.TaskGroup() as loops:
        reading = loops.create_task(disk.intake.run(), name="intake")
        async with asyncio.TaskGroup() as scans:
            for monitor in disk.monitors.values():
                scans.create_task(monitor.scanner.scan_all(), name="scan")
        await disk.intake.quiet()
        reading.cancel()


async def _plan(config: Config, ledger: Ledger) -> Plan:
    plans = {
        name: await _account_plan(ledger, account, config.pack)
        for name, account in config.accounts.items()
    }
    unreadable = [
        count
        for name in config.folders
        for count in await ledger.read(queries.unreadable_files(name))
    ]
    unfinished = [
        count
        for name in config.folders
        for count in await ledger.read(queries.unfinished_files(name))
    ]
    skipped = {name: await ledger.read(queries.skipped_files(name)) for name in config.folders}
    return Plan(
        accounts=plans,
        folders=await ledger.read(queries.folder_states()),
        skipped=skipped,
        unreadable=unreadable,
        unfinished=unfinished,
    )


async def _account_plan(ledger: Ledger, account: AccountConfig, pack: BatchConfig) -> AccountPlan:
    tally = await ledger.read(queries.tally(account.id))
    posts = await _count_posts(ledger, account.id, pack)
    terms, learned = terms_of(account), await ledger.read(accounts.learned(account.id))
    tier = Tier(learned.tier) if learned.tier is not None else None
    budget = terms.budget(tier).less(terms.reserve)
    forecast = Forecast(
        tally.missing, posts, seconds_for(posts, budget), seconds_for(tally.missing, budget)
    )
    return AccountPlan(
        tally,
        await ledger.read(queries.missing_bytes(account.id)),
        await ledger.read(queries.rejections(account.id)),
        forecast,
    )


async def _count_posts(ledger: Ledger, account: AccountId, pack: BatchConfig) -> int:
    """Count the POSTs that the missing images fill when they are packed as a worker packs them."""
    posts, last = 0, replicas.FIRST_MISSING
    waiting: list[Candidate] = []
    while True:
        missing = await ledger.read(replicas.missing_after(account, last, PAGE))
        if not missing.digests:
            break
        facts = await ledger.read(replicas.facts(account, missing.digests))
        waiting += [
            Candidate(d, facts[d].size, pack.images, name_key(facts[d].name))
            for d in missing.digests
        ]
        last = missing.last
        while len(waiting) >= pack.images:
            _, waiting = choose_batch(waiting, pack.images, pack.bytes)
            posts += 1
    while waiting:
        _, waiting = choose_batch(waiting, pack.images, pack.bytes)
        posts += 1
    return posts
