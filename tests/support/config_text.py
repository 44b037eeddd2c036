"""Configuration files as text, and what is reported about them."""

from pathlib import Path

from syncd.config import ConfigError, Problem
from syncd.config.load import loads

PATH = Path("/etc/syncd/config.toml")

GOOD: dict[str, str] = {
    "graph": 'token = { env = "SYNCD_TOKEN" }',
    "ledger": 'path = "/var/lib/syncd/ledger.db"',
    "accounts.main": 'id = "act_1"',
    "folders.spring": 'path = "/srv/spring"\naccount = "main"',
}
"""The shortest configuration without a mistake: the body of each table."""


def config_text(changes: dict[str, str | None]) -> str:
    """Return GOOD with other or more tables; None removes one."""
    tables = {**GOOD, **changes}
    return "\n".join(f"[{name}]\n{body}" for name, body in tables.items() if body is not None)


def spring(lines: str) -> dict[str, str | None]:
    """Return a change that adds lines to the folder's table."""
    return {"folders.spring": f"{GOOD['folders.spring']}\n{lines}"}


def problems(text: str) -> list[Problem]:
    """Return the problems of a configuration's text."""
    try:
        loads(text, PATH, {})
    except ConfigError as error:
        return error.problems
    return []


def sentences(text: str) -> list[str]:
    """Return each problem of a configuration's text as `key: message | fix`."""
    return [f"{p.key}: {p.message} | {p.fix}" for p in problems(text)]


def duration_fix(shortest: str, longest: str) -> str:
    """Return what is advised for a duration between these."""
    return (
        f'write a duration such as "15m", from "{shortest}" to "{longest}";'
        " the units are ms, s, m, h, d"
    )


def integer_fix(lowest: int, highest: int) -> str:
    """Return what is advised for an integer between these."""
    return f"write an integer from {lowest} to {highest}, without quotes"
