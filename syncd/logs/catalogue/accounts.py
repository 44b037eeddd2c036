"""Events of accounts: their calls, tokens, audits and statistics."""

from __future__ import annotations

from syncd.logs.catalogue.event import DETAILS, Event

ACCOUNTS = (
    Event(
        "account.changed",
        ("warning",),
        ("account", "before", "folder", "id"),
        "the folder's own account in the configuration has another ad account id than before, and"
        " `before` is not one of its mirrors: its images are sent to `id`, and stay in `before`."
        " Nothing waits for a confirmation",
        "compare the name and business of the account, which `syncd check` shows, and correct `id`"
        " of the account in the configuration if the change was not intended",
    ),
    Event(
        "account.failing",
        ("warning", "error"),
        ("account", *DETAILS, "remedy", "since", "why"),
        "five calls in a row failed, or the first failed call is a minute old and none succeeded:"
        " calls are repeated at growing intervals; an error once the state has lasted an hour;"
        " until then, `remedy` is null",
        "for an error, what the field `remedy` says; otherwise nothing",
        ended_by=("account.recovered",),
    ),
    Event(
        "account.paused",
        ("info", "warning", "error"),
        (
            *("account", "consecutive", *DETAILS, "kind"),
            *("remedy", "seconds", "since", "until", "why"),
        ),
        "the account is throttled, or its usage headers report an exhausted limit (`kind` is"
        " `usage`), and nothing is sent to it until the pause ends: a warning when the pause"
        " begins, info when it is extended, an error if Meta reports abuse; `remedy` is null except"
        " for abuse. A pause by usage headers of at most a minute is not logged. For `syncd pause`,"
        " `kind` is `operator` and the level info; without an end, `until` and `seconds` are null",
        "for an error, what the field `remedy` says; otherwise nothing",
        ended_by=("account.resumed", "account.retried"),
    ),
    Event(
        "account.recovered",
        ("notice",),
        ("account", "duration", "failed_calls"),
        "a call succeeded after earlier ones failed; `failed_calls` counts those of this process",
    ),
    Event(
        "account.resumed",
        ("notice",),
        ("account", "duration"),
        "the first call after a pause or a stop succeeded, or a pause by the operator has ended",
    ),
    Event(
        "account.retried",
        ("notice",),
        ("account", "duration"),
        "a stop was ended by `syncd retry`, a start or a reload, or a pause of the kind `usage` by"
        " `syncd retry`: the account is tried again",
    ),
    Event(
        "account.stopped",
        ("error", "info"),
        ("account", "accounts", *DETAILS, "kind", "remedy", "since", "why"),
        "the API rejected the token, a permission or every call, or the token cannot be read:"
        " nothing is sent to the account but a read every 15 minutes. `accounts` are all that were"
        " stopped together: an error for the one that met the cause, info for the others, with"
        " `remedy` null",
        "what the field `remedy` says, if it is not null",
        ended_by=("account.resumed", "account.retried", "token.changed"),
    ),
    Event(
        "account.tier",
        ("notice",),
        ("account", "tier"),
        "response headers report another access tier for the account than assumed: its budget is"
        " now the budget of that tier",
    ),
    Event(
        "audit.done",
        ("info",),
        ("account", "gone", "images", "inactive", "renamed", "seconds", "total", "unknown"),
        "the images that the ledger lists as held were compared with the account; `total` and"
        " `unknown` are null unless the whole account was listed (`syncd audit --everything`)",
    ),
    Event(
        "audit.interrupted",
        ("info",),
        ("account", "why"),
        "an error interrupted an audit, which continues later",
    ),
    Event(
        "audit.suspect",
        ("error",),
        ("account", "next_at", "remedy", "why"),
        "an account no longer lists at least half of the images in a response (of five or more):"
        " nothing of it is recorded until an audit an hour later, at `next_at`, finds the same, or"
        " the operator confirms it",
        "what the field `remedy` says",
        ended_by=("audit.trusted",),
    ),
    Event(
        "audit.trusted",
        ("notice",),
        ("account", "duration", "why"),
        "a suspect audit continues: the account lists the images again, or their absence was"
        " confirmed",
    ),
    Event(
        "limitation.ended",
        ("notice",),
        ("account", "duration", "source", "what"),
        "what the account did not take succeeded when it was tried again",
    ),
    Event(
        "limitation.learned",
        ("warning",),
        ("account", "max_bytes", "retry_at", "source", "what", "why"),
        "the account does not take something, and its images are sent in another way until that is"
        " tried again at `retry_at`. `what` is `single_images` or `unnamed_images` (it rejects"
        " POSTs of several images, or does not identify their images: one image per POST),"
        " `bytes_only` (it rejects files: images are sent as the form field `bytes`), `body_size`"
        " (the images of a POST have `max_bytes` at most) or `no_copy` (images of `source` are"
        " uploaded instead of copied)",
        ended_by=("limitation.ended",),
    ),
    Event(
        "stats",
        ("info",),
        (
            "account",
            "budget_used",
            "calls",
            "consecutive",
            "failing_since",
            "held",
            "id",
            "images_per_second",
            "in_flight",
            "in_step_in",
            "kind",
            "limitations",
            "missing",
            "missing_since",
            "oldest_waiting",
            "paused_for",
            "paused_since",
            "paused_until",
            "rejected",
            "rejections",
            "remedy",
            "state",
            "sync",
            "troubles",
            "wanted",
            "why",
        ),
        "the state of an account: every `log.stats_every` while any of its figures changes,"
        " otherwise once an hour, and at a start, a reload and a stop; `sync` is `in_sync`,"
        " `rejected` (all but rejected images is sent) or `missing`",
        "what the field `remedy` says, if it is not null",
    ),
    Event(
        "token.accepted",
        ("notice",),
        ("account", "duration", "user"),
        "the API accepted the account's token; tokens are checked at a start or reload under a"
        " service manager, before it is sent `READY=1`; `duration` is null unless the response had"
        " to be waited for",
    ),
    Event(
        "token.changed",
        ("notice",),
        ("account", "duration"),
        "the source of the account's token has a new token, one that was unreadable, or, while the"
        " account is stopped, the same one saved again; it is used from now on and"
        " ends a stop; `duration` is null if the account was not stopped",
    ),
    Event(
        "token.checked",
        ("notice",),
        ("account", "duration"),
        "a delayed check of the token completed without a clear acceptance: another event reports"
        " the state of the account",
    ),
    Event(
        "token.expiring",
        ("error",),
        ("account", "accounts", "days", "expires_at", "remedy", "why"),
        "a token expires within 14, 7 or 2 days (`days`); it is reported for each of them, and"
        " after a start, for the first of the `accounts` that use it. Tokens are inspected after a"
        " start, daily, and when one is replaced",
        "what the field `remedy` says",
        ended_by=("token.renewed",),
    ),
    Event(
        "token.inspected",
        ("debug",),
        ("account", "accounts", "app", "expires_at", "scopes"),
        "the API reported what a token is valid for; `app` and `expires_at` are null where it only"
        " reports the scopes, and `expires_at` also for a token that does not expire",
    ),
    Event(
        "token.limited",
        ("error",),
        ("account", "accounts", "remedy", "scopes", "why"),
        "a token lacks permissions without which the API rejects uploads: `scopes`",
        "what the field `remedy` says",
        ended_by=("token.permitted",),
    ),
    Event(
        "token.permitted",
        ("notice",),
        ("account", "duration"),
        "the account's token has the permissions that were missing",
    ),
    Event(
        "token.renewed",
        ("notice",),
        ("account", "duration"),
        "the account's token no longer expires within 14 days",
    ),
    Event(
        "token.unchecked",
        ("warning",),
        ("account", "why"),
        "the token could not be checked; the start continues, and the check is repeated",
        ended_by=("token.accepted", "token.checked"),
    ),
    Event(
        "token.uninspected",
        ("debug",),
        ("account", "why"),
        "a token could not be inspected; that is repeated an hour later",
    ),
)
