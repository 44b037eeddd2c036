"""What an error of the Marketing API means: the one table, read by code and subcode."""

from __future__ import annotations

from enum import Enum

import msgspec


class Verdict(Enum):
    """An error by its consequence."""

    RETRY = "temporary"
    """The same again, later."""
    PAUSE_ACCOUNT = "throttled"
    """Nothing more to this account until its budget recovers; no try is used up."""
    PAUSE_TOKEN = "app throttled"  # noqa: S105  a name of a state
    """The same for every account of the token."""
    PAUSE_ABUSE = "abuse control"
    """A long pause, said loudly."""
    PAUSE_BLOCKED = "blocked as abusive"
    """Hours of pause, said loudly."""
    STOP_TOKEN = "token refused"  # noqa: S105  a name of a state
    """Nothing with this token until a person has seen to it."""
    STOP_ACCOUNT = "no permission"
    """Nothing to this account until a person has seen to it."""
    STOP_VERSION = "API version retired"
    """The configuration names a version that is no more."""
    REJECT = "image refused"
    """This image is bad: never again, unless a person asks."""
    REJECT_UPLOAD = "image refused as a file"
    """The same, but its bytes as a form field are worth one try."""
    TOO_LARGE = "too large"
    """The body was too large: less of it, or never."""
    UNKNOWN = "not understood"
    """Nobody knows: less at once, slowly, and said."""


class ApiError(msgspec.Struct, frozen=True):
    """What came back instead of an answer."""

    status: int | None = None
    """HTTP status; None when no answer came at all."""
    code: int | None = None
    """The error's code; None when the body was no error of the API."""
    subcode: int | None = None
    transient: bool = False
    message: str = ""

    def __str__(self) -> str:
        if self.code is not None:
            number = f"{self.code}/{self.subcode}" if self.subcode is not None else f"{self.code}"
            return f"{number}: {self.message}" if self.message else number
        if self.status is not None:
            return f"HTTP {self.status}: {self.message}" if self.message else f"HTTP {self.status}"
        return self.message or "no answer"


class Row(msgspec.Struct, frozen=True):
    """One line of the table: these codes and these subcodes, None for any."""

    codes: range | tuple[int, ...] | None
    subcodes: tuple[int | None, ...] | None
    verdict: Verdict

    def meets(self, fault: ApiError) -> bool:
        """Tell whether this line speaks of that fault."""
        if fault.code is None:
            return False
        return (self.codes is None or fault.code in self.codes) and (
            self.subcodes is None or fault.subcode in self.subcodes
        )


# developers.facebook.com: Graph API "Handling Errors", "Rate Limits", Marketing API "Error Codes",
# and the ad image edge's own list. The first line that meets a fault decides.
TABLE: tuple[Row, ...] = (
    Row(None, (1404078, 2859015), Verdict.PAUSE_BLOCKED),
    Row((368,), None, Verdict.PAUSE_BLOCKED),
    Row((4,), None, Verdict.PAUSE_TOKEN),
    Row((613,), (None,), Verdict.PAUSE_ABUSE),
    Row((17, 613), None, Verdict.PAUSE_ACCOUNT),
    Row(range(80000, 80015), None, Verdict.PAUSE_ACCOUNT),
    Row((102, 190, 415), None, Verdict.STOP_TOKEN),
    Row((3, 10), None, Verdict.STOP_ACCOUNT),
    Row(range(200, 300), None, Verdict.STOP_ACCOUNT),
    Row((2635,), None, Verdict.STOP_VERSION),
    Row((100,), (1487411,), Verdict.REJECT_UPLOAD),
    Row((100,), (1487197, 1487242, 2490361), Verdict.REJECT),
    Row((100,), (33,), Verdict.STOP_ACCOUNT),
    Row((803,), None, Verdict.STOP_ACCOUNT),
    Row((1, 2), None, Verdict.RETRY),
)

_PAUSES = {
    Verdict.PAUSE_ACCOUNT,
    Verdict.PAUSE_TOKEN,
    Verdict.PAUSE_ABUSE,
    Verdict.PAUSE_BLOCKED,
}


def judge(fault: ApiError) -> Verdict:
    """Return what a fault means; never from the text of its message."""
    for row in TABLE:
        if row.meets(fault):
            passing = fault.transient and row.verdict not in _PAUSES
            return Verdict.RETRY if passing else row.verdict
    if fault.code is None:  # nothing at all, half a JSON, or a page instead of an answer
        return Verdict.TOO_LARGE if fault.status == 413 else Verdict.RETRY
    if fault.transient or fault.status is None or fault.status >= 500:
        return Verdict.RETRY
    return Verdict.UNKNOWN


def is_permission(fault: ApiError) -> bool:
    """Tell whether a right is missing, and not the thing that was asked for."""
    return judge(fault) is Verdict.STOP_ACCOUNT and fault.code not in (100, 803)
