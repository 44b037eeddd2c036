"""How long to wait: before a retry, and while an account is paused."""

from __future__ import annotations

from syncd.rules.verdicts import Verdict

_FIRST, _LAST = 1.0, 300.0  # seconds between tries that failed for a passing reason

# (first, longest) seconds of a pause whose length nobody told us; it doubles with each in a row.
# The throttle's 300 s is the documented block of a development-tier account (graph API, rate
# limits); for abuse control and code 368 the pages say to stop, and no figure.
_PAUSES = {
    Verdict.PAUSE_ACCOUNT: (300.0, 3600.0),
    Verdict.PAUSE_TOKEN: (300.0, 3600.0),
    Verdict.PAUSE_ABUSE: (3600.0, 6 * 3600.0),
    Verdict.PAUSE_BLOCKED: (4 * 3600.0, 24 * 3600.0),
}


def retry_delay(tries: int, chance: float) -> float:
    """Return seconds until the next try after `tries` failed ones; chance is from 0 to 1."""
    return float(min(_LAST, _FIRST * 2.0 ** min(tries - 1, 20))) * (0.5 + chance / 2)


def pause_length(verdict: Verdict, told: float | None, row: int, chance: float) -> float:
    """Return for how many seconds nothing is sent.

    told is what the headers said, row the how-manieth pause in a row this is, from 1. What was
    told is the least: jitter only ever adds, at most a tenth.
    """
    first, longest = _PAUSES[verdict]
    guessed = min(longest, first * 2.0 ** min(row - 1, 20))
    length = told if told and verdict in (Verdict.PAUSE_ACCOUNT, Verdict.PAUSE_TOKEN) else guessed
    return float(length) * (1 + chance / 10)
