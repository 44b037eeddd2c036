"""Where the token and the ledger of a new configuration are."""

from __future__ import annotations

from pathlib import Path

import msgspec

SYSTEM = Path("/etc/syncd")
UNIT = Path("/usr/lib/systemd/system/syncd.service")


class Places(msgspec.Struct, frozen=True):
    """The files next to a configuration, and the units that run syncd with it, if any."""

    token: Path
    ledger: Path
    source: tuple[str, str]
    """The token's source, as key and value of the configuration."""
    units: tuple[str, ...] = ()


def places(config: Path, *, has_units: bool) -> Places:
    """Return the places for an absolute path of a configuration.

    `has_units` when the units are installed: they read the configurations in /etc/syncd, and get
    the token as a credential. Several configurations in one directory do not share files.
    """
    main = config.stem == "config"
    prefix = "" if main else f"{config.stem}."
    if config.parent != SYSTEM:
        token = config.with_name(f"{prefix}token")
        return Places(token, config.with_name(f"{prefix}ledger.db"), ("file", str(token)))
    state = Path("/var/lib/syncd") / ("" if main else config.stem)
    if not has_units or config.suffix != ".toml":
        token = config.with_name(f"{prefix}token")
        return Places(token, state / "ledger.db", ("file", str(token)))
    units = ("syncd",) if main else (f"syncd@{config.stem}", "syncd.target")
    token = Path("/etc/credstore") / f"syncd.{prefix}token"
    return Places(token, state / "ledger.db", ("credential", "syncd.token"), units)
