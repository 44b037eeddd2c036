"""How long to wait: before a retry, and while an account is paused."""

from __future__ import annotations

from syncd.rules.errors import Verdict

_FIRST, _LAST = 1.0, 300.0  # seconds between tries that failed for a passing reason

BLOCK = 300.0
"""Seconds that an account is shut after a throttle: the documented block of the development tier,
the longer of the two (graph API, rate limits)."""

_LONGEST_THROTTLE = 3600.0  # the window of the calls: by then all of them are forgotten

# (first, longest) seconds of a pause after abuse control and code 368; it doubles with each in a
# row. The pages say to stop, and no figure.
_PAUSES = {
    Verdict.PAUSE_ABUSE: (3600.0, 6 * 3600.0),
    Verdict.PAUSE_BLOCKED: (4 * 3600.0, 24 * 3600.0),
}


def retry_delay(tries: int, chance: float) -> float:
    """Return seconds until the next try after `tries` failed ones; chance is from 0 to 1."""
    return float(min(_LAST, _FIRST * 2.0 ** min(tries - 1, 20))) * (0.5 + chance / 2)


def pause_length(
    verdict: Verdict, told: float | None, row: int, chance: float, block: float = BLOCK
) -> float:
    """Return for how many seconds nothing is sent.

    told is what the headers said, row the how-manieth pause in a row this is, from 1, and block
    how long the account's tier shuts it. A throttle lasts for the longer of what was told and the
    block; of those in a row that nobody told the length of, each is twice as long. Jitter only
    ever adds, at most a tenth.
    """
    throttle = verdict in (Verdict.PAUSE_ACCOUNT, Verdict.PAUSE_TOKEN)
    first, longest = (block, max(block, _LONGEST_THROTTLE)) if throttle else _PAUSES[verdict]
    if throttle and told:
        length = max(told, first)
    else:
        length = min(longest, first * 2.0 ** min(row - 1, 20))
    return float(length) * (1 + chance / 10)
