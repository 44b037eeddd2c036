"""The checks that only read: fields, pages, filters, errors and usage headers."""

from __future__ import annotations

import json

from syncd.conformance.messages import Finding, Read, Reply, Steps, compared, settled, unsettled
from syncd.model import AccountId

FIELDS = (
    "id", "account_id", "created_time", "creatives", "hash", "height", "name", "original_height",
    "is_associated_creatives_in_adgroups", "original_width", "permalink_url", "status",
    "updated_time", "url", "url_128", "width",
)  # fmt: skip
UNKNOWN_HASH = "0" * 32
_LARGE_PAGE = 1000  # images: the figure that production clients use
_STATUSES = {"ACTIVE", "INTERNAL", "DELETED"}


def images(**query: str) -> Read:
    """Return a request for a list of images."""
    return Read(query)


def usage_headers() -> Steps:
    """Check which usage headers a response has."""
    reply = yield Read({"fields": "id,name"}, edge="")
    usage = reply.usage
    known = [
        name
        for name, figure in (
            ("X-Business-Use-Case-Usage", usage.calls),
            ("X-Ad-Account-Usage", usage.points),
        )
        if figure is not None
    ]
    tier = "no tier" if usage.tier is None else f"the tier {usage.tier.value}"
    sent = "sent" if usage.points is not None else "absent"
    text = f"{', '.join(known) or 'no usage header'}; {tier}"
    return [settled("usage headers", text, f"ad_account_usage={sent}")]


def default_fields(account: AccountId) -> Steps:
    """Check the fields of a list that requests none, and the form of an id."""
    reply = yield images(limit="2")
    if reply.error is not None:
        return [compared("default fields", f"a list fails: {reply.error}", ok=False)]
    if not reply.nodes:
        return [unsettled("default fields", "the account has no image")]
    names = {name for node in reply.nodes for name in node}
    ids = all(node.get("id") == f"{account}:{node.get('hash')}" for node in reply.nodes)
    form = "ACCOUNT:HASH" if ids else "of another form"
    return [
        compared("default fields", ", ".join(sorted(names)), ok=names == {"id", "hash"}),
        compared("id of an image", f"ids are {form}", ok=ids),
    ]


def all_fields() -> Steps:
    """Check the fields, the total, the form and the filling of a page, and the page after it."""
    query = {"fields": ",".join(FIELDS), "limit": "2", "summary": "total_count"}
    reply = yield images(**query)
    if reply.error is not None:
        return [compared("fields", f"a list of all fields fails: {reply.error}", ok=False)]
    summary = reply.body.get("summary")
    total = summary.get("total_count") if isinstance(summary, dict) else None
    is_map = isinstance(reply.body.get("data"), dict)
    shape = "map" if is_map else "list"
    findings = [
        compared("total number", f"total_count is {total}", ok=isinstance(total, int)),
        settled("form of a list", f"`data` is a {shape}", f"list_shape={shape}"),
        *_fields(reply),
    ]
    after = reply.after
    if after is None:
        return [*findings, unsettled("pages", "the account has a single page of two images")]
    filling = "full" if len(reply.nodes) == 2 else "short"
    findings.append(settled("filling of a page", f"a page is {filling}", f"page_fill={filling}"))
    second = yield images(**query, after=after)
    known = {node.get("hash") for node in reply.nodes}
    is_new = second.error is None and not known & {node.get("hash") for node in second.nodes}
    text = "the next page has other images" if is_new else f"the next page: {second.error}"
    return [*findings, compared("pages", text, ok=is_new)]


def _fields(reply: Reply) -> list[Finding]:
    if not reply.nodes:
        return [unsettled("fields", "the account has no image")]
    optional = {"creatives", "permalink_url", "is_associated_creatives_in_adgroups"}
    missing = {name for node in reply.nodes for name in FIELDS if name not in node} - optional
    statuses = {str(node.get("status")) for node in reply.nodes}
    text = "all 16 fields" if not missing else f"without {', '.join(sorted(missing))}"
    findings = [
        compared("fields", text, ok=not missing),
        compared("status", ", ".join(sorted(statuses)), ok=statuses <= _STATUSES),
    ]
    if "DELETED" in statuses:
        text = "a list contains DELETED images"
        findings.append(settled("deleted images", text, "deleted_images=listed"))
    return findings


def unknown_hash() -> Steps:
    """Check that a list leaves out a hash that the account does not have."""
    reply = yield images(hashes=json.dumps([UNKNOWN_HASH]), fields="hash")
    is_empty = reply.error is None and not reply.nodes
    text = "it is left out" if is_empty else str(reply.error or "the list has other images")
    return [compared("unknown hash in a list", text, ok=is_empty)]


def large_page() -> Steps:
    """Check whether a page of 1000 images can be requested."""
    reply = yield images(fields="hash", limit=str(_LARGE_PAGE))
    if reply.error is None:
        return [compared("page of 1000 images", f"{len(reply.nodes)} images", ok=True)]
    is_size = reply.error.code == 1
    text = f"rejected with {reply.error}; syncd then halves the page"
    return [compared("page of 1000 images", text, ok=is_size)]


def errors() -> Steps:
    """Check the errors for a field and for a cursor that do not exist."""
    field = yield images(fields="no_such_field")
    cursor = yield images(after="bm8gc3VjaCBjdXJzb3I=", fields="hash")
    code = None if field.error is None else field.error.code
    has_trace = field.error is not None and field.error.trace_id is not None
    trace = "with" if has_trace else "without"
    of_cursor = "accepted" if cursor.error is None else f"rejected with {cursor.error.number}"
    return [
        compared("error of a field", f"code {code}, {trace} fbtrace_id", ok=code == 100),
        settled("invalid cursor", of_cursor),
    ]
