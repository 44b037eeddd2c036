"""The configuration for a command that reads secrets as the service reads them."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.cli.errors import fail
from syncd.cli.options import load_config
from syncd.config import Config
from syncd.setup.places import UNIT, places
from syncd.setup.stored import with_stored_credentials


def load_with_stored_secrets(config: Path, what: str) -> Config:
    """Return the configuration, with the file of each systemd credential as the secret's source.

    systemd passes a credential to the service alone. Its file belongs to root. `what` names the
    secret that the command reads. The ledger is not opened.
    """
    settings = load_config(config, needs_ledger=False)
    where = places(config.absolute(), has_units=UNIT.exists())
    if not where.units or "CREDENTIALS_DIRECTORY" in os.environ:
        return settings
    found = with_stored_credentials(settings, where.token)
    if found != settings and os.geteuid() != 0:
        fail(f"{what} is a systemd credential, which only root can read: run this with sudo")
    return found
