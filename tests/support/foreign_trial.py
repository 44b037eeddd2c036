"""A folder, a ledger and the real client, backfilling into a foreign server."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.foreign_server import Behaviour, ForeignServer, sha256
from support.foreign_server.server import TOKEN
from support.pictures import picture
from support.rig import first_audit, loops_running

from syncd.config import Config, load
from syncd.daemon.backfill import backfill
from syncd.daemon.backfill_result import Result
from syncd.daemon.credentials import opener
from syncd.daemon.runtime import Runtime
from syncd.engine.audit import Audit

MAIN = "41"
"""The id of the folder's account."""

DEADLINE = 12.0  # seconds
ENVIRON = {"FOREIGN_TOKEN": TOKEN}


@dataclass
class Trial:
    """A folder with pictures, and the ledger of its account in the foreign server."""

    path: Path
    server: ForeignServer
    pack: str = ""  # lines of [pack]
    mirrors: tuple[str, ...] = ()
    deletions: str = "keep"
    timeout: str = "10s"
    include: str = '["*.jpg", "*.jpeg", "*.png", "*.gif", "*.bmp", "*.tif"]'
    images: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> bytes:
        """Write a picture into the folder, and return its content."""
        target = self.path / "pictures" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.images[name] = content
        return content

    def fill(self, names: Iterable[str]) -> None:
        """Write a different picture under each name."""
        for seed, name in enumerate(names):
            self.add(name, picture(seed))

    def config(self) -> Config:
        accounts = "".join(
            f'[accounts.a{a}]\nid = "{a}"\nbudget = {{ points = 9000, calls = 100000 }}\n'
            for a in (MAIN, *self.mirrors)
        )
        mirrors = ", ".join(f'"a{a}"' for a in self.mirrors)
        text = f"""
[graph]
base_url = "{self.server.url}"
token = {{ env = "FOREIGN_TOKEN" }}
timeout = "{self.timeout}"
[ledger]
path = "{self.path}/ledger.db"
{accounts}
[folders.pictures]
path = "{self.path}/pictures"
account = "a{MAIN}"
mirrors = [{mirrors}]
include = {self.include}
deletions = "{self.deletions}"
[watch]
settle = "0s"
rescan = "1s"
[deletions]
grace = "0s"
[pack]
{self.pack}
"""
        (self.path / "config.toml").write_text(text)
        return load(self.path / "config.toml", {})

    async def backfill(self, until: Callable[[], bool] = lambda: False) -> Result:
        """Backfill to the end, or until the condition holds: then send SIGTERM."""
        config = self.config()
        stopped = False

        def show(_progress: object) -> None:
            nonlocal stopped
            if not stopped and until():
                stopped = True
                os.kill(os.getpid(), signal.SIGTERM)

        async with asyncio.timeout(DEADLINE):
            opened = opener(config, ENVIRON, lambda _secret: None)
            result = await backfill(config, opened, show, interval=0.02)
        assert result.interrupted == stopped
        return result

    def running(self) -> AbstractAsyncContextManager[Runtime]:
        """Run the daemon's loops in this process until the block ends."""
        return loops_running(self.config(), ENVIRON)

    @asynccontextmanager
    async def auditing(self) -> AsyncIterator[Audit]:
        """Yield the audit of the account, without the daemon's loops."""
        async with asyncio.timeout(DEADLINE), first_audit(self.config(), ENVIRON) as audit:
            yield audit

    def query(self, sql: str) -> list[Any]:
        """Return the rows of a query of the ledger."""
        with closing(sqlite3.connect(f"file:{self.path}/ledger.db?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Change the ledger, for example let time pass."""
        with closing(sqlite3.connect(f"{self.path}/ledger.db")) as db, db:
            db.execute(sql)

    def held(self, account: str = MAIN) -> dict[str, str]:
        """Return digest → hash of the images that the ledger records as held."""
        sql = "SELECT sha256, hash FROM replicas WHERE hash IS NOT NULL AND account = "
        return dict(self.query(sql + account))

    def rejected(self) -> set[str]:
        """Return the digests that the ledger records as rejected."""
        rows = self.query("SELECT sha256 FROM replicas WHERE state = 'rejected'")
        return {digest for (digest,) in rows}

    def pauses(self) -> dict[str, tuple[str, float | None]]:
        """Return account → (kind, seconds) of the pauses in the ledger."""
        sql = "SELECT act, kind, until - since FROM pause JOIN account ON id = account_id"
        return {account: (kind, seconds) for account, kind, seconds in self.query(sql)}

    def is_paused(self) -> bool:
        return bool(self.pauses())

    def check_in_sync(self, bad: Iterable[bytes] = (), account: str = MAIN) -> None:
        """Assert that each image is held under its own hash, and that only `bad` are rejected."""
        rejected = {sha256(content) for content in bad}
        good = {sha256(content) for content in self.images.values()} - rejected
        hashes = self.server.hashes.get(account, {})
        held = self.held(account)
        wrong = {d for d in held if held[d] != hashes.get(d)}
        assert not wrong, f"held under another image's hash: {self.names(wrong)}"
        assert not good - held.keys(), f"not held: {self.names(good - held.keys())}"
        assert not held.keys() - good
        assert self.rejected() == rejected, self.names(self.rejected())
        self.check_complaints()

    def check_complaints(self) -> None:
        """Assert that the server found no mistake in the requests."""
        assert not self.server.complaints, self.server.complaints

    def names(self, digests: Iterable[str]) -> list[str]:
        names = {sha256(content): name for name, content in self.images.items()}
        return sorted(names[d] for d in digests)


def file_names(count: int) -> list[str]:
    return [f"{n:02}.jpg" for n in range(count)]


async def run_trial(
    path: Path,
    behaviour: Behaviour | None = None,
    *,
    post_script: Iterable[Any] = (),
    names: Iterable[str] = (),
    bad: int = 0,
    **settings: Any,
) -> Trial:
    """Backfill once and check the result; `bad` is the number of bad images among them."""
    async with ForeignServer(behaviour, post_script) as server:
        trial = Trial(path, server, **settings)
        trial.fill(names or file_names(12))
        result = await trial.backfill()
        trial.check_in_sync(BAD_PICTURES[:bad])
        assert result.in_sync == (not bad)
    return trial


BAD_PICTURES = [picture(n) for n in (3, 9)]
"""The pictures of `Trial.fill` that `is_bad` rejects."""


def is_bad(content: bytes) -> bool:
    return content in BAD_PICTURES
