"""What a person is to do about what does not pass by itself, as log and status say it."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.rules.errors import Verdict

_ABUSE = (
    "ask Meta's support why, and lower the account's `budget`; syncd sends nothing until the pause"
    " is over"
)

OF_VERDICT: Mapping[Verdict, str] = {
    Verdict.STOP_TOKEN: "give syncd a valid token: in a file it is taken up by itself; else run"
    " `syncd retry` or restart",
    Verdict.STOP_ACCOUNT: "give the token's user the right to manage this ad account's images"
    " (ads_management), then run `syncd retry` or restart",
    Verdict.STOP_VERSION: "set graph.version to a current version, then restart",
    Verdict.PAUSE_ABUSE: _ABUSE,
    Verdict.PAUSE_BLOCKED: _ABUSE,
}
"""Those after which nothing goes to an account until a person has done something, or long after."""

NOTHING_TO_CALL_WITH = (
    "mend what `why` says: a file is looked at again by itself, for anything else run `syncd retry`"
    " or restart"
)

CONFIGURATION = "mend what `why` says, and send SIGHUP again; `syncd check` looks at it before"

DIRECTORY = "let syncd's user read it; until then nothing here counts as deleted"

FILE = "let syncd's user read it, or take it out of the folder; the next scan finds that"

WATCH = "mend what `why` says; until then only the rescans find what is new"


def of_held(folder: str) -> str:
    """Return what to do about deletions of a folder that wait for a person."""
    return (
        f"look with `syncd deletions`, then `syncd deletions approve {folder}` or `dismiss`;"
        " nothing is deleted until then"
    )
