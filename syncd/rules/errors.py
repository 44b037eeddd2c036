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


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table: codes and subcodes, None for any, and what they mean."""

    codes: range | tuple[int | None, ...] | None
    """A code of None is a response without an error of the API."""
    subcodes: tuple[int | None, ...] | None
    status: int | None = None
    """The HTTP status that the response must have; None for any."""
    verdict: Verdict
    meaning: str
    """The event, for the operator."""
    remedy: str | None = None
    """The likely setting, where the code names one; None: the remedy of the verdict."""
    about_object: bool = False
    """Whether the object of the call is missing or hidden, rather than a permission."""

    def matches(self, error: ApiError) -> bool:
        """Return whether this line covers an error."""
        return (
            (self.codes is None or error.code in self.codes)
            and (self.subcodes is None or error.subcode in self.subcodes)
            and self.status in (None, error.status)
        )


_TRIED_AGAIN = "syncd tries again every 15 minutes, and after `syncd retry`"
_OTHER_LIMIT = "a rate limit of another part of the API, reported for this ad account"
_LOG_IN = (
    "let the token's user log in to Facebook and do what it asks: the same token works again, and"
    " syncd tries it every 15 minutes"
)


def _row(
    codes: int | range | tuple[int, ...],
    subcodes: int | tuple[int | None, ...] | None,
    verdict: Verdict,
    meaning: str,
    remedy: str | None = None,
) -> Row:
    return Row(
        codes=(codes,) if isinstance(codes, int) else codes,
        subcodes=(subcodes,) if isinstance(subcodes, int) else subcodes,
        verdict=verdict,
        meaning=meaning,
        remedy=remedy,
    )


def _missing(code: int, subcode: int | None, meaning: str) -> Row:
    return msgspec.structs.replace(
        _row(code, subcode, Verdict.STOP_ACCOUNT, meaning), about_object=True
    )


# developers.facebook.com: Graph API "Handling Errors", "Rate Limits", Marketing API "Error Codes",
# and the ad image edge's own list. The first line that matches an error decides.
TABLE: tuple[Row, ...] = (
    Row(
        codes=None,
        subcodes=(1404078, 2859015),
        verdict=Verdict.PAUSE_BLOCKED,
        meaning="the action was blocked as abusive, or as too frequent",
    ),
    _row(368, None, Verdict.PAUSE_BLOCKED, "the action was blocked as abusive or not allowed"),
    _row(4, None, Verdict.PAUSE_TOKEN, "the app has made too many calls, for all accounts"),
    _row(341, None, Verdict.PAUSE_TOKEN, "the app has reached a limit, for all accounts"),
    _row(613, (None,), Verdict.PAUSE_ABUSE, "the API's abuse control limits the calls"),
    _row(613, 1487742, Verdict.PAUSE_ACCOUNT, "the ad account's score has exceeded its limit"),
    _row(613, None, Verdict.PAUSE_ACCOUNT, "the calls have exceeded a limit of the ad account"),
    _row(17, None, Verdict.PAUSE_ACCOUNT, "the ad account's score has exceeded its limit"),
    _row(
        80004,
        None,
        Verdict.PAUSE_ACCOUNT,
        "the calls to this ad account, or their CPU time, have exceeded the hourly limit",
    ),
    _row(range(80000, 80015), None, Verdict.PAUSE_ACCOUNT, _OTHER_LIMIT),
    _row(190, 458, Verdict.STOP_TOKEN, "the token's user has removed the app"),
    _row(190, 459, Verdict.STOP_TOKEN, "Facebook wants the token's user to log in", _LOG_IN),
    _row(190, 460, Verdict.STOP_TOKEN, "the token's user has changed the password"),
    _row(190, 463, Verdict.STOP_TOKEN, "the token has expired"),
    _row(190, 464, Verdict.STOP_TOKEN, "the token's user is not confirmed", _LOG_IN),
    _row(190, 467, Verdict.STOP_TOKEN, "the token was invalidated, as by a logout"),
    _row(190, 492, Verdict.STOP_TOKEN, "the token's user has lost the role that it was issued for"),
    _row(190, 493, Verdict.STOP_TOKEN, "the login session of the token has expired"),
    _row(190, None, Verdict.STOP_TOKEN, "the token is not valid"),
    _row(102, None, Verdict.STOP_TOKEN, "the login session of the token is not valid"),
    _row(
        415,
        None,
        Verdict.STOP_TOKEN,
        "the token's user has to confirm with a second factor",
        "let the token's user log in to Facebook with the second factor, or replace the token by"
        " that of a system user with `syncd token set`; syncd tries again every 15 minutes",
    ),
    _row(
        3,
        None,
        Verdict.STOP_ACCOUNT,
        "the app lacks the capability for this call",
        "give the app the capability to manage ad images in its dashboard (App Review);"
        f" {_TRIED_AGAIN}",
    ),
    _row(10, None, Verdict.STOP_ACCOUNT, "the app has no permission for this call"),
    _row(200, None, Verdict.STOP_ACCOUNT, "the token's user has no permission for the ad account"),
    _row(
        274,
        None,
        Verdict.STOP_ACCOUNT,
        "a feature is not enabled for the app",
        f"enable the feature in `why` for the app in its dashboard; {_TRIED_AGAIN}",
    ),
    _row(294, None, Verdict.STOP_ACCOUNT, "the token lacks the permission ads_management"),
    _row(range(201, 300), None, Verdict.STOP_ACCOUNT, "a permission is missing"),
    _row(
        5,
        None,
        Verdict.STOP_APP,
        "the app does not accept calls from this IP address",
        "add the IP address of this server to the app's server IP allow-list (App Dashboard,"
        f" Advanced); {_TRIED_AGAIN}",
    ),
    _row(
        101,
        None,
        Verdict.STOP_APP,
        "the app of the token is not valid",
        "use the token and the app_secret of the same app, which must exist and be active",
    ),
    _row(
        104,
        None,
        Verdict.STOP_APP,
        "the proof of the app secret is missing or wrong",
        "set app_secret to the secret of the app that the token belongs to",
    ),
    _row(
        2500,
        None,
        Verdict.STOP_APP,
        "the path of the call does not exist: the version or the base URL is wrong",
        "set graph.version to a current version and check graph.base_url, then reload",
    ),
    _row(
        2635,
        None,
        Verdict.STOP_APP,
        "the version of the API is retired",
        "set graph.version to a current version, then reload",
    ),
    _row(100, 1487411, Verdict.REJECT_UPLOAD, "the API rejects the type or name of the file"),
    _row(100, 1487197, Verdict.REJECT_TWICE, "the API could not process the image"),
    _row(100, 1487242, Verdict.REJECT, "the base64 of the image is not valid"),
    _row(100, 2490361, Verdict.REJECT, "the file is not a valid image"),
    _missing(100, 33, "the object of the call does not exist, or the token cannot read it"),
    _missing(803, None, "the object of the call does not exist, or the token cannot read it"),
    _row(
        100,
        (None,),
        Verdict.UNKNOWN,
        "a parameter is not valid, such as appsecret_proof",
    ),
    _row(2642, None, Verdict.UNKNOWN, "the cursor of a list is no longer valid"),
    _row(1, None, Verdict.RETRY, "an unknown error of the API, or a page of a list is too large"),
    _row(2, None, Verdict.RETRY, "the API is temporarily unavailable"),
    Row(
        codes=(None,),
        subcodes=None,
        status=413,
        verdict=Verdict.TOO_LARGE,
        meaning="the body of the request is too large",
    ),
    Row(
        codes=(None,),
        subcodes=None,
        verdict=Verdict.RETRY,
        meaning="no response, or one that is not an error of the API: a truncated body, the page"
        " of a proxy",
    ),
    Row(
        codes=None,
        subcodes=None,
        verdict=Verdict.UNKNOWN,
        meaning="an error that syncd does not know",
    ),
)


def row_of(error: ApiError) -> Row:
    """Return the line of the table that covers an error; its last line covers any."""
    return next(row for row in TABLE if row.matches(error))


def judge(error: ApiError) -> Verdict:
    """Return what an error means, whatever its message says."""
    verdict = row_of(error).verdict
    if error.transient and not verdict.is_pause:
        return Verdict.RETRY
    if verdict is Verdict.UNKNOWN and (error.status is None or error.status >= 500):
        return Verdict.RETRY
    return verdict


def is_permission(error: ApiError) -> bool:
    """Return whether a permission is missing, rather than the object of the call."""
    return judge(error) is Verdict.STOP_ACCOUNT and not row_of(error).about_object


_AFTER_ABUSE = (
    "ask Meta's support for the reason, and lower the account's `budget`; syncd sends nothing"
    " until the pause has ended"
)

_CALL = (
    "check app_secret, graph.version and graph.base_url, and the app's settings;"
    f" {_TRIED_AGAIN} or a restart"
)

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
    return None if general is None else row_of(error).remedy or general
