"""Make the fixture of the current layout: PYTHONPATH=tests python tests/support/ledgers/make.py

It writes `VERSION.sql`, a ledger as SQL in which each table has rows, and `VERSION.json`, what
commands print about it. Run it after schema.VERSION was raised. A fixture that is on the main
branch is never made again.
"""

import asyncio
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import structlog
from conftest import Printer
from support.ledgers.fixture import FOLDER, HERE, printed
from support.pictures import picture
from support.rig import Rig, until

from syncd.ledger import schema
from syncd.logs.logger import bound_logger
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches


async def fill(rig: Rig) -> None:
    """Let syncd fill a ledger: files of every kind, a mirror, and a deletion that waits."""
    for number in range(6):
        rig.write(f"{number}.png" if number % 2 else f"autumn/größe {number}.png", picture(number))
    rig.write("copy of 1.png", picture(1))
    rig.write("empty.png", b"")
    rig.write("text.png", b"words")
    rig.write("notes.txt", b"words")
    await rig.backfill()
    (rig.folder / "3.png").unlink()
    async with rig.running():
        await until(lambda: rig.rows("SELECT 1 FROM deletion") != [])


def complete(db: sqlite3.Connection) -> None:
    """Put a made-up row into each table that is still empty; its ids are those of first rows."""
    for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:
            columns = db.execute(f"PRAGMA table_info({table})").fetchall()
            values = [_made_up(f"{table}.{name}", kind) for _, name, kind, *_ in columns]
            db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


CODES = {
    "former_route.reason": "mirror",
    "kept.reason": "keep",
    "learned.what": "no_copy",
    "shard.name": "1/2",
    "unanswered.sent_as": "name made up",
}
"""Columns whose values syncd must know."""


def _made_up(column: str, kind: str) -> object:
    match kind:
        case "BLOB":
            return b"made up"
        case "TEXT":
            return CODES.get(column, "made_up")
        case _:
            return 1


def write_fixture(ledger: Path) -> None:
    """Write the two files of the current layout."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("UPDATE folder SET path = CAST(? AS BLOB)", (FOLDER,))
        complete(db)
        lines = list(db.iterdump())
    head = f"PRAGMA application_id = {schema.APPLICATION_ID};\n"
    version = f"PRAGMA user_version = {schema.VERSION};\n"
    (HERE / f"{schema.VERSION}.sql").write_text(head + version + "\n".join(lines) + "\n", "utf-8")
    text = json.dumps(printed(ledger), indent=1, ensure_ascii=False)
    (HERE / f"{schema.VERSION}.json").write_text(text + "\n", "utf-8")


async def fill_ledger(place: Path) -> Path:
    """Return a ledger that syncd has filled."""
    async with Sandbox(Switches(tier="unlimited")) as sandbox:
        rig = Rig(
            place,
            sandbox,
            accounts={"main": "1", "eu": "2"},
            mirrors=("eu",),
            per_folder='deletions = "propagate"',
        )
        await fill(rig)
    return rig.ledger


if __name__ == "__main__":
    structlog.configure(wrapper_class=bound_logger("error"), logger_factory=Printer)
    with tempfile.TemporaryDirectory() as place:
        write_fixture(asyncio.run(fill_ledger(Path(place))))
