"""How long to wait: before a retry, and while an account is paused."""

from __future__ import annotations

from syncd.rules.errors import Verdict

_FIRST_RETRY, _LAST_RETRY = 1.0, 300.0  # seconds

BLOCK = 300.0
"""Seconds of the block after a throttle: of the development tier, the longer of the two documented
blocks (graph API, rate limits)."""

PROBE_INTERVAL = 15 * 60.0
"""Seconds between two reads of an account that is stopped."""

_LONGEST_THROTTLE = 3600.0  # seconds, the window of the calls: by then all of them have expired

# (first, longest) seconds of a pause after abuse control and code 368; each consecutive pause is
# twice as long. The documentation says to stop, and gives no figure.
_PAUSES = {
    Verdict.PAUSE_ABUSE: (3600.0, 6 * 3600.0),
    Verdict.PAUSE_BLOCKED: (4 * 3600.0, 24 * 3600.0),
}


def retry_delay(tries: int, chance: float) -> float:
    """Return seconds until the next try after `tries` failed ones.

    `chance`, from 0 to 1, spreads the delays over the upper half of their range.
    """
    return float(min(_LAST_RETRY, _FIRST_RETRY * 2.0 ** min(tries - 1, 20))) * (0.5 + chance / 2)


def pause_length(
    verdict: Verdict, hint: float | None, consecutive: int, chance: float, block: float = BLOCK
) -> float:
    """Return for how many seconds nothing is sent.

    `hint` is the time in seconds that the headers give, `consecutive` counts this pause and the
    pauses directly before it, `block` is the documented block of the account's tier in seconds,
    and `chance` is from 0 to 1. A throttle lasts for the longer of `hint` and `block`; without a
    hint, each consecutive one is twice as long. Jitter adds at most a tenth.
    """
    is_throttle = verdict in (Verdict.PAUSE_ACCOUNT, Verdict.PAUSE_TOKEN)
    first, longest = (block, max(block, _LONGEST_THROTTLE)) if is_throttle else _PAUSES[verdict]
    if is_throttle and hint:
        length = max(hint, first)
    else:
        length = min(longest, first * 2.0 ** min(consecutive - 1, 20))
    return spread(length, chance)


def spread(seconds: float, chance: float) -> float:
    """Return a pause of `seconds` with jitter, which adds at most a tenth; `chance` is 0 to 1.

    An account that joins the pause of another has its own: all accounts of an app would else resume
    at one moment. The first of them sends one call, and if that fails, the others join again.
    """
    return seconds * (1 + chance / 10)
