"""A folder, a ledger, and syncd between the folder and a sandbox, in this process."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from syncd.config import Config, load
from syncd.daemon.backfill import backfill
from syncd.daemon.backfill_result import Result
from syncd.daemon.credentials import opener
from syncd.daemon.runtime import Runtime, keep_in_sync, open_runtime, upkeep_of
from syncd.daemon.signals import run_until
from syncd.engine.audit import Audit
from syncd.sandbox.server import Sandbox

DEADLINE = 20.0  # seconds within which a condition must become true

DELETED_WITHIN = 90.0
"""Seconds within which an image is deleted: a DELETE whose response is late on a busy machine
is confirmed, and sent again, after a minute."""


async def until(condition: Callable[[], bool], within: float = DEADLINE) -> None:
    """Wait until a condition is true; fail if it is not `within` seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  the file system and the server set no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def loops_running(config: Config, environ: Mapping[str, str]) -> AsyncIterator[Runtime]:
    """Run the daemon's loops in this process until the block ends."""
    stop = asyncio.Event()
    open_account = opener(config, environ, lambda _: None)
    async with open_runtime(config, open_account, upkeep=True) as runtime:
        task = asyncio.create_task(run_until(stop, partial(keep_in_sync, runtime)))
        try:
            yield runtime
        finally:
            stop.set()
            await task


@asynccontextmanager
async def first_audit(config: Config, environ: Mapping[str, str]) -> AsyncIterator[Audit]:
    """Yield the audit of the first account, without the daemon's loops."""
    open_account = opener(config, environ, lambda _: None)
    async with (
        open_runtime(config, open_account) as runtime,
        asyncio.TaskGroup() as sends,
    ):
        await runtime.engine.restore()
        lane = next(iter(runtime.engine.lanes.values()))
        yield runtime.engine.audit(lane, sends, upkeep_of(config))


@dataclass
class Rig:
    """A configuration with one folder, `spring`, and the files that it names."""

    path: Path
    sandbox: Sandbox
    _: KW_ONLY
    toml: str = ""  # appended to the configuration
    accounts: dict[str, str] = field(default_factory=lambda: {"main": "1"})
    mirrors: tuple[str, ...] = ()
    workers: int = 4
    settle: str = "0s"
    per_account: str = 'tier = "standard"'  # lines for the table of each account
    of_account: dict[str, str] = field(
        default_factory=dict
    )  # lines for the table of one account, by name
    per_folder: str = ""  # lines for the table of the folder
    watch: str = ""  # lines of [watch]
    timeout: str = "5s"  # of calls

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    @property
    def folder(self) -> Path:
        return self.path / "folder"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.db"

    @property
    def status_file(self) -> Path:
        return self.path / "ledger.db.status.json"

    def write_config(self) -> Path:
        """Write the configuration file and return its path."""
        accounts = "\n".join(
            f'[accounts.{name}]\nid = "{number}"\nworkers = {self.workers}\n{self.per_account}\n'
            + self.of_account.get(name, "")
            for name, number in self.accounts.items()
        )
        file = self.path / "config.toml"
        file.write_text(
            f'[graph]\nversion = "v25.0"\nbase_url = "{self.sandbox.url}"\n'
            f'token = {{env = "SYNCD_TEST_TOKEN"}}\ntimeout = "{self.timeout}"\n'
            f'[ledger]\npath = "{self.ledger}"\n{accounts}\n'
            f'[folders.spring]\npath = "{self.folder}"\naccount = "{next(iter(self.accounts))}"\n'
            f"mirrors = {list(self.mirrors)}\n{self.per_folder}\n"
            f'[watch]\nsettle = "{self.settle}"\n{self.watch}\n{self.toml}\n'
        )
        return file

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "SYNCD_TEST_TOKEN": self.sandbox.token}

    def config(self) -> Config:
        return load(self.write_config(), self.environ)

    def write(self, name: str | bytes, content: bytes) -> Path:
        """Write a file into the folder, create its directories, and return its path."""
        path = self.folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def backfill(self) -> Result:
        """Run a backfill to its end."""
        config = self.config()
        async with asyncio.timeout(DEADLINE * 3):
            return await backfill(
                config, opener(config, self.environ, lambda _: None), lambda _: None
            )

    def running(self) -> AbstractAsyncContextManager[Runtime]:
        """Run the daemon's loops in this process until the block ends."""
        return loops_running(self.config(), self.environ)

    def auditing(self) -> AbstractAsyncContextManager[Audit]:
        """Yield the audit of the first account, without the daemon's loops."""
        return first_audit(self.config(), self.environ)

    def holds(self, content: bytes, account: str = "1") -> bool:
        """Return whether an account of the sandbox holds exactly these bytes."""
        digest = sha256(content).hexdigest()
        return any(image.sha256 == digest for image in self.sandbox.library.images(account))

    @contextmanager
    def locked_ledger(self) -> Iterator[None]:
        """Prevent other connections from writing to the ledger."""
        with closing(sqlite3.connect(self.ledger, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")

    def recorded(self, content: bytes, account: str = "1") -> str | None:
        """Return the hash that the ledger records for these bytes in an account."""
        rows = self.rows(
            "SELECT hash FROM replicas WHERE account = ? AND sha256 = ?",
            account,
            sha256(content).hexdigest(),
        )
        return None if not rows else rows[0][0]

    def is_rejected(self, content: bytes, account: str = "1") -> bool:
        """Return whether the ledger records that an account rejects these bytes."""
        sql = "SELECT state FROM replicas WHERE account = ? AND sha256 = ?"
        return self.rows(sql, account, sha256(content).hexdigest()) == [("rejected",)]

    def rows(self, sql: str, *parameters: object) -> list[Any]:
        """Return the rows of a query of the ledger; none while its file does not exist."""
        if not self.ledger.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as db:
            return db.execute(sql, parameters).fetchall()


def rig_without_grace(path: Path, sandbox: Sandbox, **options: object) -> Rig:
    """Return a rig that deletes at once: without a grace, and with a scan every second."""
    settings: dict[str, object] = {
        "per_folder": 'deletions = "propagate"',
        "watch": 'rescan = "1s"',
        "toml": '[deletions]\ngrace = "0s"\n',
    }
    return Rig(path, sandbox, **(settings | options))  # type: ignore[arg-type]  # by name


async def wait_until_held(rig: Rig, *contents: bytes) -> None:
    await until(lambda: all(rig.recorded(content) is not None for content in contents))
