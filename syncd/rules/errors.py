"""The meaning of errors of the Marketing API: one table, read by code and subcode."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import assert_never

import msgspec


class Scope(Enum):
    """The objects that an error is about, and that it therefore stops."""

    IMAGE = auto()
    """The images of this call alone; the account works."""
    ACCOUNT = auto()
    TOKEN = auto()
    """Every account that uses the same token and app secret."""
    APP = auto()
    """Every account of the app. syncd knows an app by its token and app secret."""


class Verdict(Enum):
    """An error, named for its consequence."""

    RETRY = "temporary"
    """Send the same call again later."""
    PAUSE_ACCOUNT = "throttled"
    """Send nothing to this account until its budget has recovered; no try is used up."""
    PAUSE_TOKEN = "app throttled"  # noqa: S105  the name of a state
    """Send nothing to any account of the token until its budget has recovered."""
    PAUSE_ABUSE = "abuse control"
    """Send nothing to this account for hours, and raise an alert."""
    PAUSE_BLOCKED = "blocked as abusive"
    """Send nothing to this account for up to a day, and raise an alert."""
    STOP_TOKEN = "token refused"  # noqa: S105  the name of a state
    """Send nothing with this token until the operator has replaced it."""
    STOP_ACCOUNT = "no permission"
    """Send nothing to this account until the operator has given the permission."""
    STOP_APP = "call rejected"
    """Send nothing to any account of the token: each call is wrong, whatever it is about."""
    STOP_CALL = "every call rejected"
    """As STOP_APP, for the account whose images all met the error; never the verdict of one."""
    REJECT = "image refused"
    """Never send this image again unless the operator runs `syncd retry`."""
    REJECT_UPLOAD = "image refused as a file"
    """As REJECT, after one try with the bytes as a form field."""
    REJECT_TWICE = "image not processed"
    """As REJECT_UPLOAD, if the form field meets the same error again an hour later."""
    TOO_LARGE = "too large"
    """Send fewer images per POST; reject a single image if that is confirmed (see `rejection`)."""
    UNKNOWN = "not understood"
    """Send fewer images per POST, and retry a single image slowly. About the whole call once
    different images have met it: see `failures`."""

    @property
    def scope(self) -> Scope:
        """The objects that the error is about."""
        match self:
            case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.REJECT_TWICE:
                return Scope.IMAGE
            case Verdict.TOO_LARGE | Verdict.UNKNOWN:
                return Scope.IMAGE
            case Verdict.RETRY | Verdict.PAUSE_ACCOUNT | Verdict.STOP_ACCOUNT:
                return Scope.ACCOUNT
            case Verdict.PAUSE_ABUSE | Verdict.PAUSE_BLOCKED | Verdict.STOP_CALL:
                return Scope.ACCOUNT
            case Verdict.STOP_TOKEN:
                return Scope.TOKEN
            case Verdict.PAUSE_TOKEN | Verdict.STOP_APP:
                return Scope.APP
            case _:
                assert_never(self)

    @property
    def is_pause(self) -> bool:
        """Whether calls are allowed again without the operator, after a time."""
        return self in _PAUSES

    @property
    def is_about_credentials(self) -> bool:
        """Whether another token or app secret could make the call succeed."""
        return self in (Verdict.STOP_TOKEN, Verdict.STOP_ACCOUNT, Verdict.STOP_APP)


_PAUSES = (
    Verdict.PAUSE_ACCOUNT,
    Verdict.PAUSE_TOKEN,
    Verdict.PAUSE_ABUSE,
    Verdict.PAUSE_BLOCKED,
)


class ApiError(msgspec.Struct, frozen=True, kw_only=True):
    """The error that a call returned, or the lack of a valid response."""

    status: int | None = None
    """HTTP status; None without any response."""
    code: int | None = None
    """The error's code; None when the body is not an error of the API."""
    subcode: int | None = None
    transient: bool = False
    """The API's `is_transient`."""
    message: str = ""
    title: str | None = None
    """The API's `error_user_title`; this, `user_message` and `trace_id` are for the log alone."""
    user_message: str | None = None
    trace_id: str | None = None
    """`fbtrace_id`: Meta's support asks for it."""

    @property
    def number(self) -> str:
        """Code and subcode, such as 100/33."""
        return f"{self.code}" if self.subcode is None else f"{self.code}/{self.subcode}"

    def __str__(self) -> str:
        if self.code is not None:
            return f"{self.number}: {self.message}" if self.message else self.number
        if self.status is not None:
            return f"HTTP {self.status}: {self.message}" if self.message else f"HTTP {self.status}"
        return self.message or "no response"


NO_ERROR = ApiError()
"""For what is not about a call."""


class Row(msgspec.Struct, frozen=True):
    """A line of the table: codes and subcodes, None for any, and what they mean."""

    codes: range | tuple[int, ...] | None
    subcodes: tuple[int | None, ...] | None
    verdict: Verdict

    def matches(self, error: ApiError) -> bool:
        """Return whether this line covers an error."""
        if error.code is None:
            return False
        return (self.codes is None or error.code in self.codes) and (
            self.subcodes is None or error.subcode in self.subcodes
        )


# developers.facebook.com: Graph API "Handling Errors", "Rate Limits", Marketing API "Error Codes",
# and the ad image edge's own list. The first line that matches an error decides.
TABLE: tuple[Row, ...] = (
    Row(None, (1404078, 2859015), Verdict.PAUSE_BLOCKED),
    Row((368,), None, Verdict.PAUSE_BLOCKED),
    Row((4, 341), None, Verdict.PAUSE_TOKEN),
    Row((613,), (None,), Verdict.PAUSE_ABUSE),
    Row((17, 613), None, Verdict.PAUSE_ACCOUNT),
    Row(range(80000, 80015), None, Verdict.PAUSE_ACCOUNT),
    Row((102, 190, 415), None, Verdict.STOP_TOKEN),
    Row((3, 10), None, Verdict.STOP_ACCOUNT),
    Row(range(200, 300), None, Verdict.STOP_ACCOUNT),
    Row((5, 101, 104, 2500, 2635), None, Verdict.STOP_APP),
    Row((100,), (1487411,), Verdict.REJECT_UPLOAD),
    Row((100,), (1487197,), Verdict.REJECT_TWICE),
    Row((100,), (1487242, 2490361), Verdict.REJECT),
    Row((100,), (33,), Verdict.STOP_ACCOUNT),
    Row((803,), None, Verdict.STOP_ACCOUNT),
    Row((1, 2), None, Verdict.RETRY),
)


def judge(error: ApiError) -> Verdict:
    """Return what an error means, whatever its message says."""
    for row in TABLE:
        if row.matches(error):
            temporary = error.transient and not row.verdict.is_pause
            return Verdict.RETRY if temporary else row.verdict
    if error.code is None:  # no response, truncated JSON, or the web page of a proxy
        return Verdict.TOO_LARGE if error.status == 413 else Verdict.RETRY
    if error.transient or error.status is None or error.status >= 500:
        return Verdict.RETRY
    return Verdict.UNKNOWN


def is_permission(error: ApiError) -> bool:
    """Return whether a permission is missing, rather than the object of the call."""
    return judge(error) is Verdict.STOP_ACCOUNT and error.code not in (100, 803)


_AFTER_ABUSE = (
    "ask Meta's support for the reason, and lower the account's `budget`; syncd sends nothing"
    " until the pause has ended"
)

_TRIED_AGAIN = "syncd tries again every 15 minutes, and after `syncd retry`"

_CALL = (
    "check app_secret, graph.version and graph.base_url, and the app's settings;"
    f" {_TRIED_AGAIN} or a restart"
)

_OF_CODES: Mapping[int, str] = {
    3: "give the app the capability to manage ad images in its dashboard (App Review);"
    f" {_TRIED_AGAIN}",
    5: "add the IP address of this server to the app's server IP allow-list (App Dashboard,"
    f" Advanced); {_TRIED_AGAIN}",
    101: "use the token and the app_secret of the same app, which must exist and be active",
    104: "set app_secret to the secret of the app that the token belongs to",
    274: f"enable the feature in `why` for the app in its dashboard; {_TRIED_AGAIN}",
    2500: "set graph.version to a current version and check graph.base_url, then reload",
    2635: "set graph.version to a current version, then reload",
}
"""The likely setting, for codes that name one."""

_OF_VERDICTS: Mapping[Verdict, str] = {
    Verdict.STOP_TOKEN: "replace the token with `syncd token set`, or let its user log in to"
    " Facebook and run `syncd retry`",
    Verdict.STOP_ACCOUNT: "give the token's user the permission to manage this ad account's images"
    f" (ads_management); {_TRIED_AGAIN} or a restart",
    Verdict.STOP_APP: _CALL,
    Verdict.STOP_CALL: _CALL,
    Verdict.PAUSE_ABUSE: _AFTER_ABUSE,
    Verdict.PAUSE_BLOCKED: _AFTER_ABUSE,
}


def remedy(error: ApiError, verdict: Verdict) -> str | None:
    """Return the instruction for the operator; None if nothing has to be done."""
    general = _OF_VERDICTS.get(verdict)
    return general if general is None or error.code is None else _OF_CODES.get(error.code, general)
