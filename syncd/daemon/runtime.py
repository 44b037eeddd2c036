"""The runtime: the ledger, the folders and the engine, built from a configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from syncd.config import AccountConfig, Config, SecretFile
from syncd.config.selection import Selection, select
from syncd.daemon.folders import Disk, build_disk, declare
from syncd.daemon.migration import migrate_and_log
from syncd.engine.counters import Counters
from syncd.engine.engine import Engine, EngineConfig, Upkeep
from syncd.engine.part import Part
from syncd.engine.reconcile import Grace
from syncd.engine.tokens import OpenAccount
from syncd.engine.worker import ImageFiles, Role
from syncd.graph.client import connect
from syncd.ledger import condemned
from syncd.ledger.database import Ledger, open_ledger, owned
from syncd.model import AccountId, Copying, Deletions, Digest

_BATCH_WAIT = 1.0  # seconds that a POST waits for more images while files are being read


class Work(msgspec.Struct, frozen=True):
    """The accounts and folders that a process works on, and the images that it may send."""

    selection: Selection
    part: Part


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """The connected parts of one configuration."""

    config: Config
    ledger: Ledger
    disk: Disk
    engine: Engine
    work: Work


@asynccontextmanager
async def open_runtime(
    config: Config,
    open_account: OpenAccount,
    *,
    upkeep: bool = False,
    tries: int | None = None,
    work: Work | None = None,
) -> AsyncIterator[Runtime]:
    """Take the ledger and build a runtime with it; see take_ledger and build_runtime."""
    async with (
        take_ledger(config.ledger.path) as ledger,
        build_runtime(
            config, open_account, ledger, upkeep=upkeep, tries=tries, work=work
        ) as runtime,
    ):
        yield runtime


@asynccontextmanager
async def take_ledger(
    path: Path, progress: Callable[[], None] = lambda: None
) -> AsyncIterator[Ledger]:
    """Open the ledger for this process alone, after its migration; it is kept across reloads.

    `progress` is called from a thread during a migration. Raises LedgerError.
    """
    with owned(path) as lock:
        await migrate_and_log(path, progress)
        async with open_ledger(path, lock) as ledger:
            yield ledger


@asynccontextmanager
async def build_runtime(
    config: Config,
    open_account: OpenAccount,
    ledger: Ledger,
    *,
    upkeep: bool = False,
    tries: int | None = None,
    work: Work | None = None,
    progress: Callable[[], None] = lambda: None,
) -> AsyncIterator[Runtime]:
    """Build the runtime of a configuration; nothing runs yet.

    With `upkeep` it deletes and audits too. `tries` limits the attempts per image whose failures
    are temporary, `work` what is sent and to which accounts. `progress` is called while a change of
    routes is applied to the ledger.
    """
    graph = config.graph
    async with connect(graph.base_url, graph.version, graph.timeout) as client:
        ids = await declare(config, ledger, progress)
        await ledger.write(condemned.await_scans(ledger.now().age))

        def arrived(digest: Digest, accounts: Sequence[AccountId], copying: Copying) -> None:
            engine.on_arrival(digest, accounts, copying)

        def found(digest: Digest, accounts: Sequence[AccountId]) -> None:
            engine.on_found(digest, accounts)

        def changed(accounts: Sequence[AccountId]) -> None:
            engine.request_refill(accounts)

        disk = build_disk(config, ledger, ids, arrived=arrived, found=found, changed=changed)
        copiers, deleters = _copiers(config), _deleters(config)
        work = work or Work(select(config), Part())
        accounts = [
            account for name, account in config.accounts.items() if name in work.selection.accounts
        ]
        engine_config = EngineConfig(
            accounts=accounts,
            roles={a.id: Role(copies=a.id in copiers, deletes=a.id in deleters) for a in accounts},
            batch=config.pack,
            secret_files={a.id: _secret_files(config, a) for a in accounts},
            upkeep=upkeep_of(config) if upkeep else None,
            tries=tries,
            part=work.part,
        )
        files = ImageFiles(
            disk.cache.fetch, disk.fetch, lambda: _BATCH_WAIT if disk.is_busy else 0.0
        )
        engine = Engine(
            engine_config, ledger, client, open_account, files, on_foreign_write=disk.recheck
        )
        try:
            yield Runtime(config=config, ledger=ledger, disk=disk, engine=engine, work=work)
        finally:
            disk.threads.close()


def continue_counters(runtime: Runtime, counters: dict[AccountId, Counters]) -> None:
    """Let the lanes continue the counters of earlier runtimes of this process, and keep theirs."""
    for account, lane in runtime.engine.lanes.items():
        lane.counters = counters.setdefault(account, lane.counters)


def upkeep_of(config: Config) -> Upkeep:
    """Return the settings of deletions and audits."""
    terms = config.deletions
    grace = Grace(terms.grace, terms.hold_above)
    return Upkeep(grace, config.audit.every, config.audit.restore, config.ledger.history)


def _deleters(config: Config) -> set[AccountId]:
    """Return the accounts of the folders that propagate deletions."""
    return {
        account
        for folder in config.folders.values()
        if folder.deletions is Deletions.PROPAGATE
        for account in config.routes(folder)
    }


def _secret_files(config: Config, account: AccountConfig) -> list[str]:
    sources = (config.token_of(account), config.app_secret_of(account))
    return [source.path for source in sources if isinstance(source, SecretFile)]


def _copiers(config: Config) -> set[AccountId]:
    """Return the accounts that are mirrors of a folder whose images can be copied."""
    return {
        account
        for folder in config.folders.values()
        if folder.copy is not Copying.UPLOAD
        for account in config.routes(folder)[1:]
    }


async def keep_in_sync(runtime: Runtime, sends: asyncio.TaskGroup) -> None:
    """Watch, scan, read and send until cancelled; `sends` gets the calls to the API."""
    async with asyncio.TaskGroup() as loops:
        loops.create_task(runtime.disk.intake.run(), name="intake")
        loops.create_task(runtime.engine.run(sends), name="engine")
        loops.create_task(runtime.disk.watch.run(), name="shared watch")
        for monitor in runtime.disk.monitors.values():
            loops.create_task(monitor.run(), name="monitor")
