"""More time is asked for while a start goes on, and for a network that does not answer."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.notify_socket import service_manager
from support.rig import until

from syncd.daemon import startup
from syncd.daemon.notify import Notifier
from syncd.daemon.startup import PATIENCE, Going, asking_for_time
from syncd.ledger import schema

EXTEND = "EXTEND_TIMEOUT_USEC"


def test_a_start_that_shows_nothing_wants_no_more_time() -> None:
    going = Going()
    began = going.moved_at
    assert going.wants_time(began + PATIENCE - 1)
    assert not going.wants_time(began + PATIENCE + 1)
    going.waits_for_network = True
    assert going.wants_time(began + 100 * PATIENCE)


async def test_it_is_asked_for_again_and_again_until_the_start_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "_ASKED_EVERY", 0.02)
    with (
        service_manager(tmp_path / "notify") as manager,
        asking_for_time(Notifier(manager.address)) as going,
    ):
        await until(lambda: manager.told(EXTEND) > 2)
        monkeypatch.setattr(startup, "PATIENCE", -1.0)
        told = manager.told(EXTEND)
        await asyncio.sleep(0.1)  # five times in which it might be
        assert manager.told(EXTEND) == told, "it shows nothing"
        going.waits_for_network = True
        await until(lambda: manager.told(EXTEND) > told)
        going.over = True
        told = manager.told(EXTEND)
        await asyncio.sleep(0.1)
        assert manager.told(EXTEND) == told


def test_a_migration_shows_that_it_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    long = (schema.current_version() + 1, f"CREATE TABLE counted AS {counting} SELECT i FROM n;")
    every = [*schema.migrations(), long]
    moves: list[None] = []
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as db:
        schema.migrate(db)
        monkeypatch.setattr(schema, "migrations", lambda: every)
        schema.migrate(db, lambda: moves.append(None))
        assert len(moves) > 5
        moves.clear()
        assert db.execute(f"{counting} SELECT max(i) FROM n").fetchone() == (100000,)
        assert not moves, "what is asked later shows nothing"
