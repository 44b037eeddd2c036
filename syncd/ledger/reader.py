"""A connection that reads alone; it imports little, for a process that does nothing else."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BUSY = 10.0  # seconds that is waited for another process, such as `syncd retry`


def address_of(path: Path) -> str:
    """Return the URI by which a ledger is opened for reading."""
    return f"{path.absolute().as_uri()}?mode=ro"


def connect(address: str) -> sqlite3.Connection:
    """Return a read-only connection for the calling thread, or for one handed to another.

    Whether the ledger is one that this program understands is not asked.
    """
    return sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY
    )
