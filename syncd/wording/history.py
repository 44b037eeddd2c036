"""A row of the history, in words."""

from __future__ import annotations

from syncd.ledger import history
from syncd.ledger.history import What
from syncd.ledger.history_rows import Row
from syncd.wording.replica import WHY_KEPT

_WHY_GONE = {
    history.DELETED_FILE: "it was deleted or moved",
    history.REWRITTEN: "the file contains something else",
}


def preposition(what: What) -> str:
    """Return the word between what happened and the account."""
    match what:
        case What.UPLOADED | What.COPIED | What.RESTORED:
            return "to"
        case What.REJECTED:
            return "by"
        case What.LOST | What.DELETED:
            return "from"
        case What.PAUSED | What.RESUMED | What.MOVED:
            return "account"
        case _:
            return "in"


def why(row: Row) -> str | None:
    """Return the reason of a row."""
    return _WHY_GONE.get(row.why or "") or WHY_KEPT.get(row.why or "") or row.why
