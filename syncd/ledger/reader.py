"""A read-only connection; a module of its own, because scan workers import nothing else."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BUSY = 10.0  # seconds to wait for another process, such as `syncd retry`


def address_of(path: Path) -> str:
    """Return the URI that opens a ledger for reading."""
    return f"{path.absolute().as_uri()}?mode=ro"


def connect(address: str) -> sqlite3.Connection:
    """Return a read-only connection, which may be handed to another thread.

    The version of the ledger is not checked.
    """
    return sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY
    )
