"""Instructions for the operator, for alerts that no API error has raised."""

from __future__ import annotations

NO_CREDENTIALS = (
    "fix the problem in `why`: a file is read again automatically; for anything else, run"
    " `syncd retry` or restart"
)

CONFIGURATION = "fix the problem in `why`, check it with `syncd check`, and send SIGHUP again"

DIRECTORY = "let syncd's user read it; until then nothing in it counts as deleted"

FILE = "let syncd's user read it, or move it out of the folder; the next scan notices either"

WATCH = "fix the problem in `why`; until then only the periodic rescans find new files"


def of_held(folder: str) -> str:
    """Return what to do about deletions of a folder that wait for the operator's decision."""
    return (
        f"list them with `syncd deletions`, then run `syncd deletions approve {folder}` or"
        f" `syncd deletions dismiss {folder}`; nothing is deleted until then"
    )
