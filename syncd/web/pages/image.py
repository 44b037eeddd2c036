"""The page of one image: its files, its state in each account and why, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from syncd.config import Config
from syncd.images.unfinished import sentence
from syncd.ledger.history_rows import Row
from syncd.ledger.search import FoundFile, FoundImage, FoundReplica
from syncd.model import AccountId, whole_path
from syncd.rules.family import Family
from syncd.rules.forecast import amount
from syncd.web.addresses import picture_address
from syncd.web.html import Html, element, name
from syncd.web.pages.layout import copy_button, details, whole_page
from syncd.web.pages.library import family_chips
from syncd.wording.figures import format_size, format_time
from syncd.wording.history import preposition, why
from syncd.wording.replica import state_of, why_not_wanted


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An image and all that is known of it; `waiting` is why nothing is sent to an account now."""

    image: FoundImage
    digest: bytes
    family: Family | None
    history: Sequence[Row]
    waiting: Mapping[AccountId, str]


def image_page(known: Known, config: Config, *, signed_in: bool) -> bytes:
    """Return the page of an image."""
    image = known.image
    first = image.files[0].path.rpartition(b"/")[2] if image.files else b"(no file)"
    kind = f"{image.format}, {image.width}×{image.height}, " if image.format else ""
    picture = element("img", src=picture_address(known.digest, large=True), alt="", class_="large")
    return whole_page(
        first.decode("utf-8", "replace"),
        element("h1", name(first)),
        element("p", picture),
        details(
            ("Content", f"{kind}{format_size(image.size)}"),
            ("SHA-256", _with_copy(known.digest.hex(), "the SHA-256")),
            *([("Not accepted", image.unsupported)] if image.unsupported else []),
            *([("Family", family_chips(known.family))] if known.family else []),
        ),
        element("h2", "Accounts"),
        element(
            "div",
            element("table", [_replica(one, known, config) for one in image.replicas]),
            class_="wide",
        )
        if image.replicas
        else element("p", "No account needs it."),
        _others(image, config),
        element("h2", "Files"),
        element("ul", [_file(one) for one in image.files], class_="files")
        if image.files
        else element("p", "No file has this content now."),
        element("h2", "History"),
        element(
            "div", element("table", [_row(row, config) for row in known.history]), class_="wide"
        ),
        signed_in=signed_in,
    )


def _with_copy(text: str, what: str) -> tuple[Html, Html]:
    return element("code", text), copy_button(text, what)


def _replica(replica: FoundReplica, known: Known, config: Config) -> Html:
    account = config.name_of(replica.account)
    copy = None
    if replica.hash is not None:
        copy = (" ", copy_button(replica.hash, f"the hash in {account}"))
    return element(
        "tr",
        element("th", name(account), scope="row"),
        element("td", state_of(replica, known.waiting.get(replica.account), config.name_of), copy),
    )


def _others(image: FoundImage, config: Config) -> Html | None:
    """Return the accounts that neither have nor need an image, and why they do not."""
    known = {one.account for one in image.replicas}
    others = [account for account, one in config.accounts.items() if one.id not in known]
    if not others:
        return None
    names = ((", " if number else "", name(one)) for number, one in enumerate(others))
    return element(
        "details",
        element("summary", f"{amount(len(others), 'other account')}: {why_not_wanted(image)}"),
        element("p", names),
        open=len(others) <= _FEW,
    )


_FEW = 5
"""Accounts that are listed without a click."""


def _file(file: FoundFile) -> Html:
    trouble = "this file is gone" if file.is_deleted else None
    if file.error:
        trouble = sentence(file.error)
    return element(
        "li",
        element("code", name(whole_path(file.root, file.path))),
        element("span", " in the folder ", name(file.folder), class_="note"),
        None if trouble is None else element("span", f" {trouble}", class_="warning"),
    )


def _row(row: Row, config: Config) -> Html:
    account = None
    if row.account is not None:
        account = (f" {preposition(row.what)} ", name(config.name_of(row.account)))
    path = None
    if row.path is not None and row.root is not None:
        path = name(whole_path(row.root, row.path))
    reason = why(row)
    return element(
        "tr",
        element("th", format_time(row.at), scope="row"),
        element("td", row.what.value, account),
        element("td", path),
        element("td", f"by {row.user}" if row.user else None, f" {reason}" if reason else None),
    )
