"""The images of the accounts: lists, page by page, and deletions."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from support.foreign_server.behaviours import Behaviour, Entry, Reply, error
from support.foreign_server.wire import Malformed

FIRST = 1774346400  # the creation time of the first image: 2026-03-24 10:00
FIELDS = {
    "id", "account_id", "created_time", "creatives", "hash", "height", "name", "original_height",
    "is_associated_creatives_in_adgroups", "original_width", "permalink_url", "status",
    "updated_time", "url", "url_128", "width",
}  # fmt: skip
PARAMETERS = {
    "hashes", "hashes[]", "name", "minwidth", "minheight", "business_id", "biz_tag_id", "fields",
    "limit", "after", "before", "offset", "summary", "appsecret_proof",
}  # fmt: skip
Query = list[tuple[str, str]]


@dataclass
class Held:
    """One image of one account."""

    hash: str
    name: str
    created: int
    creatives: list[str] = field(default_factory=list)
    advertised: bool = False
    gone: bool = False


@dataclass(frozen=True)
class ListRequest:
    """The parameters of a list."""

    hashes: frozenset[str] | None
    fields: tuple[str, ...]
    limit: int
    after: str | None
    offset: int | None
    summary: bool
    query: tuple[tuple[str, str], ...]


def read_list_request(query: Query) -> ListRequest:
    """Return the parameters of a list; raise Malformed."""
    _known(query, PARAMETERS)
    given = dict(query)
    many = [value for name, value in query if name == "hashes[]"]
    hashes = json.loads(given["hashes"]) if "hashes" in given else many or None
    if hashes is not None and not (
        isinstance(hashes, list) and all(isinstance(item, str) for item in hashes)
    ):
        raise Malformed(f"hashes {hashes!r}")
    limit = given.get("limit", "25")
    if not re.fullmatch(r"[1-9]\d{0,4}", limit):
        raise Malformed(f"limit {limit!r}")
    fields = given.get("fields", "id,hash").split(",")
    if unknown := set(fields) - FIELDS:
        raise Malformed(f"no such field: {sorted(unknown)}")
    summary = given.get("summary", "")
    if summary not in {"", "true", "total_count"}:
        raise Malformed(f"summary {summary!r}")
    return ListRequest(
        None if hashes is None else frozenset(hashes),
        tuple(fields),
        int(limit),
        given.get("after"),
        int(given["offset"]) if "offset" in given else None,
        bool(summary),
        tuple(query),
    )


def read_deletion(query: Query) -> str:
    """Return the hash of the image to delete; raise Malformed."""
    _known(query, {"hash", "image_id", "appsecret_proof"})
    wanted = dict(query).get("hash", "")
    if not wanted:
        raise Malformed("DELETE without a hash")
    return wanted


def _known(query: Query, names: set[str]) -> None:
    if unknown := {name for name, _ in query} - names:
        raise Malformed(f"no such parameter: {sorted(unknown)}")
    once = [name for name, _ in query if not name.endswith("[]")]
    if len(set(once)) != len(once):
        raise Malformed(f"a parameter was given twice: {query}")


class Library:
    """Images by account and hash."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._accounts: dict[str, dict[str, Held]] = {}
        self._random = random.Random(11)
        self._clock = FIRST

    def put(self, account: str, image_hash: str, name: str) -> Held:
        """Store an image, also in place of a deleted one."""
        here = self._accounts.setdefault(account, {})
        if image_hash not in here or here[image_hash].gone:
            here[image_hash] = Held(image_hash, name, self._clock)
            self._clock += 60
        return here[image_hash]

    def find(self, account: str, image_hash: str) -> Held | None:
        """Return an image; None if it does not exist or was deleted."""
        held = self._accounts.get(account, {}).get(image_hash)
        return None if held is None or held.gone else held

    def hashes(self, account: str) -> set[str]:
        """Return the hashes that the account really holds."""
        return {held.hash for held in self._accounts.get(account, {}).values() if not held.gone}

    def delete(self, account: str, image_hash: str) -> Reply:
        """Return the response to a deletion."""
        held = self.find(account, image_hash)
        rejection = self._behaviour.rejects_deletion(image_hash)
        if rejection is not None:
            return rejection
        if held is None or held.creatives:
            return error(400, 100)
        held.gone = True
        return Reply(200, json.dumps(self._behaviour.deleted).encode())

    def list(self, account: str, request: ListRequest, url: str) -> Reply:
        """Return one page of a list."""
        here = self._accounts.get(account, {})
        known = sorted(here.values(), key=lambda held: _cursor(account, held))
        known = [held for held in known if not held.gone or self._behaviour.deleted_status]
        matching = [h for h in known if request.hashes is None or h.hash in request.hashes]
        if (request.after if self._behaviour.by_offset else request.offset) is not None:
            raise Malformed("a page is requested in the form of another server")
        if request.after is not None:
            if request.after not in {_cursor(account, held) for held in known}:
                return error(400, 100)  # a cursor is invalid after its image was deleted
            matching = [h for h in matching if _cursor(account, h) > request.after]
        at = request.offset or 0
        page = matching[at : at + self._behaviour.page(request.limit)]
        data = [
            self._behaviour.listed(self._node(account, held, request.fields))
            for held in page
            if not self._behaviour.hidden(held.hash)
        ]
        self._random.shuffle(data)
        more = len(matching) > at + len(page)
        page_body: Entry = {"data": data}
        if self._behaviour.by_offset:
            page_body |= {"count": len(matching), "limit": request.limit, "offset": at}
        else:
            page_body["paging"] = _paging(account, page, more, request, url)
        if request.summary:
            page_body["summary"] = {"total_count": len(known)}
        return Reply(
            200, json.dumps(self._behaviour.listing(page_body), ensure_ascii=False).encode()
        )

    def _node(self, account: str, held: Held, fields: Sequence[str]) -> Entry:
        moment = datetime.fromtimestamp(held.created, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        gone = held.gone and self._behaviour.deleted_status
        everything = {
            "account_id": account,
            "created_time": moment,
            "creatives": list(held.creatives),
            "hash": held.hash,
            "is_associated_creatives_in_adgroups": held.advertised,
            "name": held.name,
            "status": gone or "ACTIVE",
            "updated_time": moment,
            "url": f"https://scontent.example/{account}/{held.hash}",
        }
        requested = {name: everything[name] for name in fields if name in everything}
        return {"id": f"{account}:{held.hash}", **requested}


def _cursor(account: str, held: Held) -> str:
    """Return an opaque cursor, in an unrelated order, with characters that a query must escape."""
    return hashlib.md5(f"cursor {account} {held.hash}".encode()).hexdigest() + "+/&é=="


def _paging(
    account: str, page: Sequence[Held], more: bool, request: ListRequest, url: str
) -> Entry:
    if not page:
        return {}
    cursors = {"before": _cursor(account, page[0]), "after": _cursor(account, page[-1])}
    if not more:
        return {"cursors": cursors}
    pairs = [(name, value) for name, value in request.query if name != "after"]
    following = urlencode([*pairs, ("after", cursors["after"])])
    return {"cursors": cursors, "next": f"{url}/v25.0/act_{account}/adimages?{following}"}
