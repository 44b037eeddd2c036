"""Explanations of the errors of the API: their scope, and the consequences, for the operator.

The texts follow from the decisions of the engine: its table of errors, and the rules about pauses,
images and lists. A changed figure there changes the text here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

import msgspec
from msgspec.structs import replace

from syncd.rules.backoff import PROBE_INTERVAL, pause_length, retry_delay
from syncd.rules.errors import TABLE, ApiError, Row, Scope, Verdict, judge, remedy, row_of
from syncd.rules.failures import DIFFERENT
from syncd.rules.forecast import duration
from syncd.rules.listing import LARGEST_PAGE, MAX_BEGINNINGS, SMALLEST_PAGE, PageError, page_error
from syncd.rules.pacing.budget import Budget, Tier
from syncd.rules.rejection import Fate, fate, time_to_confirm


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An error of the API, or several with one meaning, as `syncd explain` shows them."""

    error: str
    """Its code and subcode, such as 100/33, or a range of codes."""
    meaning: str
    kind: str
    """The name of the consequence, as in the log."""
    scope: str
    """The objects that it is about: image, account, token or app."""
    action: str
    """The consequences, as syncd handles the error."""
    remedy: str
    """The instruction for the operator."""
    is_known: bool
    """Whether the table has the error."""


_NUMBERS = re.compile(r"\(?#?([0-9]{1,9})(?:[\s/]+([0-9]{1,9}))?\)?")
_STATUS = re.compile(r"http[\s/]*([0-9]{3})", re.IGNORECASE)


def parsed(text: str) -> ApiError | None:
    """Return the error that a text such as 190/463, (#80004) or HTTP 413 names, or None."""
    if (found := _STATUS.fullmatch(text.strip())) is not None:
        return ApiError(status=int(found[1]))
    if (found := _NUMBERS.fullmatch(text.strip())) is None:
        return None
    subcode = None if found[2] is None else int(found[2])
    return ApiError(status=400, code=int(found[1]), subcode=subcode)


def explained(error: ApiError) -> Explanation:
    """Return what an error means, and its consequences."""
    name = f"HTTP {error.status}" if error.code is None else error.number
    return _explained(error, row_of(error), name)


def every_explanation() -> list[Explanation]:
    """Return the explanation of each line of the table, in the order of the codes."""
    rows = sorted(TABLE[:-1], key=lambda row: _codes(row)[0] or 0)
    return [_explained(example(row), row, _name(row)) for row in (*rows, TABLE[-1])]


def example(row: Row) -> ApiError:
    """Return an error that a line of the table covers, and no line before it."""
    errors = (
        ApiError(status=row.status or 400, code=code, subcode=subcode)
        for code in _codes(row)
        for subcode in row.subcodes or (None, 1)
    )
    return next(error for error in errors if row_of(error) is row)


def _codes(row: Row) -> range | tuple[int | None, ...]:
    return (1_000_000_000,) if row.codes is None else row.codes


def suggestions(subcode: int | None) -> list[str]:
    """Return the known errors with a number as their subcode."""
    return [
        f"{row.codes[0]}/{subcode}"
        for row in TABLE
        if subcode is not None and subcode in (row.subcodes or ()) and row.codes
    ]


def _name(row: Row) -> str:
    match row.codes:
        case None:
            codes = "any" if row.subcodes else "any other"
        case (None,):
            return f"HTTP {row.status}" if row.status else "no code"
        case range():
            codes = f"{row.codes[0]}-{row.codes[-1]}"
        case _:
            codes = ", ".join(map(str, row.codes))
    match row.subcodes:
        case None:
            return codes if example(row).subcode is None else f"{codes}/any other"
        case (None,):
            return f"{codes} alone"
        case subcodes:
            return f"{codes}/{', '.join(map(str, subcodes))}"


def _explained(error: ApiError, row: Row, name: str) -> Explanation:
    verdict = judge(error)
    return Explanation(
        error=name,
        meaning=row.meaning,
        kind=verdict.value,
        scope=verdict.scope.name.lower(),
        action="; ".join(_actions(error, verdict)),
        remedy=remedy(error, verdict) or _advice(error, verdict),
        is_known=row is not TABLE[-1],
    )


SCOPES = {
    Scope.IMAGE: "the images of the call; the account works",
    Scope.ACCOUNT: "the ad account",
    Scope.TOKEN: "every account with the same token and app secret",
    Scope.APP: "every account of the app (those with the same token and app secret)",
}
"""The objects that an error is about."""


def _actions(error: ApiError, verdict: Verdict) -> Iterator[str]:
    about_list = page_error(error, LARGEST_PAGE)
    if about_list is PageError.CURSOR:
        yield f"begins the list again, {MAX_BEGINNINGS} times at most"
        return
    yield _action(verdict)
    if about_list is PageError.SIZE:
        yield f"a list continues with pages of half the size, down to {SMALLEST_PAGE} images"
    if verdict.scope is Scope.IMAGE or verdict is Verdict.STOP_ACCOUNT:
        yield "a copy is replaced by one from the next account, at last by an upload"
    temporary = judge(replace(error, transient=True)) is Verdict.RETRY
    if temporary and verdict is not Verdict.RETRY and error.code is not None:
        yield "with `is_transient: true`, it sends the same call again later instead"


def _action(verdict: Verdict) -> str:
    probe = duration(PROBE_INTERVAL)
    match verdict:
        case Verdict.RETRY:
            first, last = duration(retry_delay(1, 1.0)), duration(retry_delay(99, 1.0))
            return (
                f"sends the same call again after {first}, then after longer delays, up to {last},"
                " with fewer images per POST if it keeps failing"
            )
        case Verdict.PAUSE_ACCOUNT | Verdict.PAUSE_TOKEN:
            return f"pauses {SCOPES[verdict.scope]} {_throttled(verdict)}"
        case Verdict.PAUSE_ABUSE | Verdict.PAUSE_BLOCKED:
            first, last = (duration(pause_length(verdict, None, n, 0.0)) for n in (1, 99))
            return (
                f"raises an alert and pauses {SCOPES[verdict.scope]} for {first}; each"
                f" consecutive pause is twice as long, up to {last}"
            )
        case Verdict.STOP_TOKEN:
            return (
                f"raises one alert and stops {SCOPES[verdict.scope]}; tries again with one read"
                f" every {probe}, and as soon as the token's file is saved"
            )
        case Verdict.STOP_ACCOUNT:
            return (
                "after an upload, raises an alert and stops the account; tries again every"
                f" {probe}, and after `syncd retry`"
            )
        case Verdict.STOP_APP | Verdict.STOP_CALL:
            return (
                f"raises one alert and stops {SCOPES[verdict.scope]}; tries again every {probe};"
                " no image is rejected"
            )
        case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.REJECT_TWICE | Verdict.TOO_LARGE:
            return f"sends a POST of several images again in halves; {_fate(verdict)}"
        case Verdict.UNKNOWN:
            return (
                "sends a POST of several images again in halves, and a single image again later;"
                f" stops the account once {DIFFERENT} different images have met the error without a"
                " success between, and all accounts of the token once a second account has met it;"
                " no image is rejected"
            )
        case _:
            assert_never(verdict)


def _throttled(verdict: Verdict) -> str:
    blocks = [Budget.for_tier(tier).block for tier in (Tier.STANDARD, Tier.DEVELOPMENT)]
    standard, development = (duration(pause_length(verdict, None, 1, 0.0, b)) for b in blocks)
    longest = duration(pause_length(verdict, None, 99, 0.0, blocks[0]))
    return (
        f"for the time that the headers give, at least {standard} ({development} at the"
        f" development tier); without a time, each consecutive pause is twice as long, up to"
        f" {longest}; the images remain queued"
    )


def _fate(verdict: Verdict) -> str:
    """Return what becomes of an image that was sent alone."""
    rejected = "never sends the image again unless its file changes or the operator asks"
    as_file = fate(verdict, as_field=False, too_large=True)
    as_field = fate(verdict, as_field=True, too_large=True)
    sent = "sends the image as the form field `bytes`; " if as_file is Fate.AS_FIELD else ""
    if as_field is Fate.CONFIRM:
        wait = duration(time_to_confirm(verdict, None, 0.0))
        sent += f"if it meets the error again {wait} later, {rejected}"
        is_by_size = fate(verdict, as_field=True, too_large=False) is Fate.RETRY
        return f"once the account has accepted a smaller body: {sent}" if is_by_size else sent
    return f"{sent}if that meets the error, {rejected}" if sent else rejected


def _advice(error: ApiError, verdict: Verdict) -> str:
    """Return what the operator can do where syncd does not ask for it."""
    match verdict:
        case Verdict.PAUSE_ACCOUNT | Verdict.PAUSE_TOKEN:
            return (
                "nothing; if it happens often, set the account's `budget` or `reserve`"
                " (`syncd help pacing`), or find the other programs that use the quota"
            )
        case Verdict.REJECT | Verdict.REJECT_UPLOAD | Verdict.REJECT_TWICE | Verdict.TOO_LARGE:
            return "replace the file by a valid image, or run `syncd retry --rejected`"
        case Verdict.UNKNOWN if page_error(error, LARGEST_PAGE) is None:
            return f"nothing unless an account is stopped; then {remedy(error, Verdict.STOP_CALL)}"
        case _:
            return "nothing; `syncd status` shows an account whose calls keep failing"
