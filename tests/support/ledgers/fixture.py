"""Ledgers of earlier layouts, and what the commands of their time printed about them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from syncd.cli.app import app

HERE = Path(__file__).parent

FOLDER = "/srv/spring"
"""The path of the folder in a fixture; it does not exist."""

CONFIG = """
[graph]
version = "v25.0"
token = {{ env = "SYNCD_TEST_TOKEN" }}
[ledger]
path = "{ledger}"
[accounts.main]
id = "1"
[accounts.eu]
id = "2"
[folders.spring]
path = "{folder}"
account = "main"
mirrors = ["eu"]
deletions = "propagate"
"""

COMMANDS = {
    "export": ("export", "--format", "json"),
    "find": ("find", "--json", f"{FOLDER}/copy of 1.png"),
    "gone": ("find", "--json", f"{FOLDER}/3.png"),
    "deletions": ("deletions", "list", "--json"),
    "log": ("log", "--json", "--since", "2026-01-01"),
    "status": ("status", "--json"),
}


VOLATILE = ("daemon", "counted_at")
"""What `syncd status` has from the moment and the machine."""


def versions() -> list[int]:
    """Return the layouts that have a fixture."""
    return sorted(int(file.stem) for file in HERE.glob("*.sql"))


def write(version: int, ledger: Path) -> None:
    """Write the ledger of a layout."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.executescript((HERE / f"{version}.sql").read_text("utf-8"))
        db.execute("PRAGMA journal_mode = WAL")


def expected(version: int) -> dict[str, Any]:
    """Return what the commands printed when a fixture was made."""
    found: dict[str, Any] = json.loads((HERE / f"{version}.json").read_text("utf-8"))
    return found


def config_of(ledger: Path) -> Path:
    """Write a configuration with the accounts and the folder of a fixture; return its path."""
    config = ledger.with_name("fixture.toml")
    config.write_text(CONFIG.format(ledger=ledger, folder=FOLDER))
    return config


def run(ledger: Path, *words: str) -> Result:
    """Run a command with the configuration of a fixture."""
    environ = {"SYNCD_TEST_TOKEN": "t" * 40}
    return CliRunner(env=environ).invoke(app, [*words, "--config", str(config_of(ledger))])


def printed(ledger: Path) -> dict[str, Any]:
    """Return what commands print about a ledger."""
    found: dict[str, Any] = {
        name: json.loads(run(ledger, *words).stdout) for name, words in COMMANDS.items()
    }
    for name in VOLATILE:
        del found["status"][name]
    return found
