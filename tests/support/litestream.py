"""Litestream with the example configuration, which replicates a ledger into a directory."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.readme import ROOT

EXAMPLE = ROOT / "systemd" / "litestream"

DEADLINE = 30.0  # seconds within which a change has reached the replica


def program() -> str:
    """Return the path of Litestream; skip the test where it is not installed."""
    found = shutil.which("litestream", path=Path(sys.executable).parent) or shutil.which(
        "litestream"
    )
    if found is None:
        pytest.skip("NOT TESTED: Litestream; it is not installed")
    return found


@dataclass(frozen=True)
class Litestream:
    """The replica of one ledger, in a directory that outlives the ledger's."""

    program: str
    ledger: Path
    place: Path

    @property
    def config(self) -> Path:
        """The example, with the paths of the test."""
        text = (EXAMPLE / "litestream.yml").read_text()
        for path, here in (
            ("/var/lib/syncd/ledger.db", self.ledger),
            ("/mnt/backup/syncd/ledger", self.place / "replica"),
        ):
            assert text.count(path) == 1
            text = text.replace(path, str(here))
        file = self.place / "litestream.yml"
        file.write_text(text)
        return file

    @contextmanager
    def replicating(self) -> Iterator[None]:
        """Replicate the ledger; the process is killed at the end of the block."""
        words = [self.program, "replicate", "-config", str(self.config)]
        with (
            (self.place / "litestream.log").open("a") as log,
            subprocess.Popen(words, stdout=log, stderr=log) as process,
        ):
            try:
                yield
            finally:
                process.send_signal(signal.SIGKILL)

    def restore(self, *options: str) -> None:
        """Restore the ledger by the command of the example, with the service's umask."""
        lines = (EXAMPLE / "restore.conf").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("ExecStartPre="))
        _, *words, path = line.split()
        assert path == "/var/lib/syncd/ledger.db"
        command = [self.program, *words, "-config", str(self.config), *options, str(self.ledger)]
        subprocess.run(command, check=True, capture_output=True, umask=0o077)

    def lose(self) -> None:
        """Remove the ledger, and what Litestream has next to it."""
        for file in self.ledger.parent.glob(f"{self.ledger.name}*"):
            file.unlink()
        shutil.rmtree(self.ledger.with_name(f".{self.ledger.name}-litestream"))

    def rows(self, sql: str) -> list[object]:
        """Return the rows of a query of the replica."""
        with tempfile.TemporaryDirectory(dir=self.place) as place:
            copy = Path(place) / "copy.db"
            self.restore("-o", str(copy))
            if not copy.exists():  # the replica does not exist yet
                return []
            with closing(sqlite3.connect(copy)) as db:
                return db.execute(sql).fetchall()

    def wait_until_replicated(self, sql: str, rows: list[object]) -> None:
        """Wait until a query of the replica returns these rows."""
        last = time.monotonic() + DEADLINE
        while (found := self.rows(sql)) != rows:
            assert time.monotonic() < last, f"the replica has {found}"
            time.sleep(0.2)


def litestream(ledger: Path) -> Litestream:
    """Return the replica of a ledger; skip the test where Litestream is not installed."""
    place = ledger.with_name("elsewhere")
    place.mkdir()
    return Litestream(program(), ledger, place)
