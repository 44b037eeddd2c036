"""`syncd plan`: what a backfill would send, computed on a copy of the ledger."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
from msgspec.structs import replace

from syncd.config import AccountConfig, Config
from syncd.config.account_change import AccountChange, changed_accounts
from syncd.config.selection import Selection
from syncd.daemon.folders import build_disk, declare
from syncd.engine.lane import terms_of
from syncd.ledger import (
    accounts,
    folders,
    operator_pauses,
    queries,
    replicas,
    schema,
    selection,
)
from syncd.ledger.accounts import Pause
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.file import reading
from syncd.ledger.queries import Count, FolderSummary, Tally
from syncd.model import AccountId, AccountName, FolderName
from syncd.rules.batch import Candidate, choose_batch, name_key
from syncd.rules.forecast import Forecast, seconds_for
from syncd.rules.pacing.budget import Tier

PAGE = 500
"""Missing images per query."""


class AccountPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The images that one account lacks, their bytes, and the time that its budget needs."""

    id: AccountId
    pause: Pause | None
    """Nothing is sent before it ends, and the forecast begins then."""
    tally: Tally
    bytes: int
    rejected: list[Count]
    forecast: Forecast
    at_most: bool
    """The tier is not known yet: the forecast is that of the smaller one."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The result that a backfill would have now."""

    accounts: Mapping[AccountName, AccountPlan]
    folders: Mapping[FolderName, FolderSummary]
    changed: list[AccountChange]
    """The folders whose images would go to another ad account than before."""
    new: list[AccountConfig]
    """The accounts that they would go to, and that hold no image of the ledger."""
    ledger: Path
    """The copy of the ledger that the plan was computed on."""


@asynccontextmanager
async def planned(config: Config, part: Selection) -> AsyncIterator[Plan]:
    """Scan the folders of a part and plan; the copy of the ledger exists within the block.

    A daemon may run at the same time. Raises LedgerError.
    """
    with tempfile.TemporaryDirectory(prefix="syncd-plan-") as scratch:
        copy = Path(scratch) / "ledger.db"
        await asyncio.to_thread(_copy, config.ledger.path, copy)
        async with open_ledger(copy) as ledger:
            changed = changed_accounts(config, await ledger.read(folders.own_accounts()), part)
            await _scan(config, ledger, part)
            yield await _plan(config, ledger, part, copy, changed)


def _copy(path: Path, to: Path) -> None:
    if schema.exists(path):
        with reading(path) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)


async def _scan(config: Config, ledger: Ledger, part: Selection) -> None:
    ids = await declare(config, ledger)
    now = replace(config, watch=replace(config.watch, settle=0.0))  # it does not wait for files
    disk = build_disk(
        now, ledger, ids, arrived=lambda *_: None, found=lambda *_: None, changed=lambda _: None
    )
    async with asyncio.TaskGroup() as loops:
        reading = loops.create_task(disk.intake.run(), name="intake")
        async with asyncio.TaskGroup() as scans:
            for name in part.folders:
                scans.create_task(disk.monitors[ids[name]].scan_all(), name="scan")
        await disk.intake.quiet()
        reading.cancel()


async def _plan(
    config: Config, ledger: Ledger, part: Selection, copy: Path, changed: list[AccountChange]
) -> Plan:
    holding = await ledger.read(accounts.holding())
    targets = dict.fromkeys(one.account.name for one in changed)
    return Plan(
        changed=changed,
        new=[config.accounts[name] for name in targets if config.accounts[name].id not in holding],
        accounts={
            name: await _account_plan(ledger, config, config.accounts[name], part.only)
            for name in part.accounts
        },
        folders={
            name: await ledger.read(queries.folder_summary(name)) for name in sorted(part.folders)
        },
        ledger=copy,
    )


async def _account_plan(
    ledger: Ledger, config: Config, account: AccountConfig, folders: selection.Folders
) -> AccountPlan:
    tally = await ledger.read(selection.tally(account.id, folders))
    posts = await _count_posts(ledger, config, account, folders)
    terms, learned = terms_of(account), await ledger.read(accounts.learned(account.id))
    tier = Tier(learned.tier) if learned.tier is not None else None
    budget = terms.budget(tier).less(terms.reserve)
    pauses = await ledger.read(operator_pauses.effective(time.time()))
    return AccountPlan(
        id=account.id,
        pause=pauses.get(account.id),
        tally=tally,
        bytes=await ledger.read(selection.missing_bytes(account.id, folders)),
        rejected=(await ledger.read(selection.reasons(account.id, folders))).rejected,
        forecast=Forecast(
            tally.missing, posts, seconds_for(posts, budget), seconds_for(tally.missing, budget)
        ),
        at_most=terms.tier is None and tier is None,
    )


async def _count_posts(
    ledger: Ledger, config: Config, account: AccountConfig, folders: selection.Folders
) -> int:
    """Count the POSTs that the missing images fill when they are packed as a worker packs them."""
    pack = config.pack
    posts, last = 0, replicas.FIRST_MISSING
    waiting: list[Candidate] = []
    while True:
        page = selection.missing_after(account.id, last, PAGE, folders)
        missing = await ledger.read(page)
        if not missing.digests:
            break
        facts = await ledger.read(replicas.facts(account.id, missing.digests))
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
