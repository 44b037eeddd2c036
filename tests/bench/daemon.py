"""The configuration and the commands with which the benchmark runs syncd."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from syncd.config import AccountConfig

TOKEN = {"SYNCD_BENCH_TOKEN": "sandbox-token"}

NO_LIMIT = (
    'budget = { points = 1000000, window = "1s", calls = 1000000, calls_window = "1s" }'
    if "budget" in AccountConfig.__annotations__
    else ""
)
"""A budget that is never reached, so that the client is measured and not its pacing."""


def write_config(
    directory: Path,
    url: str,
    folders: Mapping[str, Path],
    *,
    ledger: Path | None = None,
    account: str = NO_LIMIT,
    more: str = "",
) -> Path:
    """Write a configuration of one account, with defaults for everything else."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "config.toml"
    folder_tables = "\n".join(
        f'[folders.{name}]\npath = "{path}"\naccount = "main"' for name, path in folders.items()
    )
    file.write_text(
        f'[graph]\nversion = "v25.0"\nbase_url = "{url}"\n'
        f'token = {{ env = "{next(iter(TOKEN))}" }}\n'
        f'[ledger]\npath = "{ledger or directory / "ledger.db"}"\n'
        f'[accounts.main]\nid = "act_1"\n{account}\n{folder_tables}\n{more}\n'
    )
    return file


def syncd(*words: str | Path) -> list[str]:
    """Return the command line of a syncd command."""
    return [sys.executable, "-m", "syncd", *map(str, words)]
