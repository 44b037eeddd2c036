"""A ledger whose bytes were altered: commands end with a message, and nothing is deleted."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.altered import PAGE, Change, alterations, altered
from support.forked import Forks, forks
from support.fuzz import examples
from support.pictures import picture
from support.rig import Rig

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("status", "--files", "missing"),
    ("find", "a5.jpg"),
    ("log",),
    ("export",),
    ("plan",),
    ("deletions",),
    ("retry",),
    ("ledger", "check"),
    ("ledger", "vacuum"),
    ("ledger", "backup", "--replace", "copy.db"),
    ("report", "report.html"),
)
FILES = ("copy.db", "report.html")
ENDINGS = {
    0: "done",
    1: "something was not found",
    3: "the image is not uploaded",
    65: "the ledger is unusable",
    74: "an error of the disk",
    75: "the ledger is in use",
}
"""The exit codes of a command that reads an altered ledger."""


class Original(msgspec.Struct, frozen=True):
    """A sound ledger with all kinds of rows, the WAL of some changes, and a directory."""

    rig: Rig
    ledger: bytes
    wal: bytes
    forks: Forks


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    directory = tmp_path_factory.mktemp("altered")
    with forks(directory) as forked:
        rig = asyncio.run(_make(directory, forked))
        ledger = rig.ledger.read_bytes()
        with closing(sqlite3.connect(rig.ledger, isolation_level=None)) as db:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            for table in ("file", "image", "replica", "history"):
                column = db.execute(f"SELECT * FROM {table}").description[-1][0]
                db.execute(f"UPDATE {table} SET {column} = {column}")
            wal = rig.ledger.with_name("ledger.db-wal").read_bytes()
        yield Original(rig, ledger, wal, forked)


async def _make(directory: Path, forked: Forks) -> Rig:
    async with Sandbox(Switches(tier="unlimited")) as sandbox:
        rig = Rig(directory, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
        rig.per_folder = 'deletions = "propagate"'
        rig.timeout = "1s"
        for number in range(30):
            rig.write(f"a{number}.jpg", picture(number, width=8, height=8))
        rig.write("sub/deep/b.jpg", picture(99))
        rig.write("broken.jpg", b"not a picture")
        config = str(rig.write_config())
        for _ in range(2):
            ended = await asyncio.to_thread(forked.run, rig.environ, "backfill", "--config", config)
            assert ended.code == 3, ended.err  # one is rejected
            for number in range(3):
                (rig.folder / f"a{number}.jpg").unlink(missing_ok=True)
        return rig


def place(original: Original, ledger: bytes, wal: bytes | None) -> list[str]:
    """Write the files and return the options that name the configuration."""
    rig = original.rig
    for end in ("", "-wal", "-shm"):
        Path(f"{rig.ledger}{end}").unlink(missing_ok=True)
    rig.ledger.write_bytes(ledger)
    if wal is not None:
        rig.ledger.with_name("ledger.db-wal").write_bytes(wal)
    return ["--config", str(rig.path / "config.toml")]


def check_ending(original: Original, words: tuple[str, ...], config: list[str]) -> None:
    given = [str(original.rig.path / word) if word in FILES else word for word in words]
    ended = original.forks.run(original.rig.environ, *given, *config)
    shown = f"{words}: {ended.code}\n{ended.err}"
    assert ended.code in ENDINGS, shown
    assert "Traceback" not in ended.err, shown
    assert ended.code == 0 or ended.err.strip() or ended.out.strip(), shown


@pytest.mark.fuzz
@example([(0, 0, 0)], None, ("plan",))  # no header
@example([(6, 5 * PAGE, 0)], [(6, 5000, 1)], ("export",))
@given(alterations(), st.none() | alterations(), st.sampled_from(COMMANDS))
@settings(examples(12), suppress_health_check=[HealthCheck.too_slow])
def test_each_command_on_an_altered_ledger_ends_with_a_message(
    original: Original,
    changes: list[Change],
    of_wal: list[Change] | None,
    other: tuple[str, ...],
) -> None:
    wal = None if of_wal is None else altered(original.wal, of_wal)
    for words in (other, ("ledger", "check")):
        config = place(original, altered(original.ledger, changes), wal)
        check_ending(original, words, config)
