"""The library: a search form, and a grid of images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import msgspec

from syncd.config import Config
from syncd.ledger.library import Card, CardReplica, Page
from syncd.ledger.library_filter import State
from syncd.model import AccountId
from syncd.rules.family import Family
from syncd.web.absent import Absent
from syncd.web.addresses import image_address, library_address, picture_address
from syncd.web.html import Content, Html, element, name
from syncd.web.pages.layout import (
    FEW,
    choice,
    copy_button,
    folded,
    keys,
    more_link,
    search_box,
    whole_page,
)
from syncd.web.search_form import FORMATS, RATIOS, Search
from syncd.wording.figures import format_size
from syncd.wording.replica import copied_from


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the library; the family of each image is that of its first file.

    `absent` are files without an image, if the search by a name has found no image.
    """

    search: Search
    page: Page
    families: Sequence[Family | None]
    absent: Absent | None
    has_pictures: bool


def library_page(shown: Shown, config: Config, *, signed_in: bool) -> bytes:
    """Return the page of a search."""
    cards = zip(shown.page.images, shown.families, strict=True)
    return whole_page(
        "Library",
        element("h1", "Library"),
        _form(shown.search, config),
        (element("p", problem, class_="warning") for problem in shown.search.problems),
        None if shown.has_pictures else element("p", _NO_PILLOW, class_="note"),
        _selection(shown.search, config),
        keys(_KEYS),
        element(
            "div",
            (_card(*one, shown.search.wanted.account, config) for one in cards),
            id="grid",
        ),
        _end(shown),
        None if shown.absent is None else _absent(shown.absent, shown.search.fields["q"]),
        signed_in=signed_in,
        at="/library",
    )


_NO_PILLOW = (
    "Pictures are not shown, because Pillow is not installed: run pip install 'syncd[web]' where"
    " syncd is installed, and restart syncd web."
)
_KEYS = (
    ("/", "search"),
    ("← → ↑ ↓, j k", "move"),
    ("Enter", "open"),
    ("x", "mark"),
    ("c", "copy the first hash"),
    ("m", "show more"),
    ("?", "show these keys"),
)


def _end(shown: Shown) -> Html:
    if shown.page.after is not None:
        address = library_address(**shown.search.fields, after=str(shown.page.after))
        return more_link(address, is_empty=not shown.page.images)
    return element("p", _end_text(shown), id="end")


def _end_text(shown: Shown) -> Content:
    search = shown.search
    if shown.page.images:
        return "That is all."
    if search.is_empty:
        return (
            "The library is empty. The ",
            element("a", "overview", href="/"),
            " shows whether syncd runs and has read the folders.",
        )
    text = search.fields["q"]
    if text and not search.is_by_name:
        address = library_address(q=text)
        return (
            "No image meets all conditions. ",
            element("a", "Search for ", name(text), " without the other conditions", href=address),
        )
    return "No image matches."


def _absent(absent: Absent, text: str) -> Content:
    """Return the files with such a name that the library does not have, and why."""
    if not absent.files and absent.is_whole:
        return element("p", "No file in the folders has ", name(text), " in its name, either.")
    rows = (
        element(
            "li",
            element("code", name(file.path)),
            element("span", " in the folder ", name(file.folder), class_="note"),
            element("span", f": {file.why}", class_="warning"),
        )
        for file in absent.files
    )
    more = "These are the first files with such a name that were found."
    if not absent.files:
        more = "The folders are too large, or their disk is too slow, to search all of them here."
    return element(
        "section",
        element("h2", "Files that are not in the library") if absent.files else None,
        element("ul", rows, class_="files"),
        None
        if absent.is_whole
        else element("p", more, " `syncd find` searches everything.", class_="note"),
        id="absent",
    )


def _form(search: Search, config: Config) -> Html:
    fields = search.fields
    more = any(fields[key] for key in ("format", "ratio", "size", "since", "until"))
    return element(
        "form",
        search_box(fields["q"], "Name, hash or SHA-256"),
        choice("folder", "every folder", config.folders, fields["folder"]),
        choice("account", "every account", config.accounts, fields["account"]),
        choice("state", "every state", (state.value for state in State), fields["state"]),
        element("button", "Search"),
        element(
            "details",
            element("summary", "More conditions"),
            choice("format", "every format", FORMATS, fields["format"]),
            choice("ratio", "every ratio", RATIOS, fields["ratio"]),
            _field("size", "Width × height", fields["size"], "text"),
            _field("since", "Changed since", fields["since"], "date"),
            _field("until", "Changed until", fields["until"], "date"),
            open=more,
        ),
        method="get",
        action="/library",
        class_="search",
        role="search",
    )


def _field(key: str, label: str, value: str, kind: str) -> Html:
    box = element("input", type=kind, name=key, value=value, size=12)
    return element("label", label, " ", box)


def _selection(search: Search, config: Config) -> Html:
    """Return the bar that acts on marked images; without a script, on those of this page."""
    chosen = search.fields["account"]
    accounts = [
        element("option", one, value=one, selected=one == chosen) for one in config.accounts
    ]
    return element(
        "form",
        element("span", "Mark images to copy their hashes, or to save them.", id="marked"),
        element(
            "select",
            element("option", "every account", value=""),
            accounts,
            name="account",
            id="of",
            aria_label="Hashes of",
        ),
        element("button", "Copy hashes", type="button", id="copy-marked", hidden=True),
        element("button", "Save as CSV", id="save"),
        element("button", "Clear", type="button", id="clear", hidden=True),
        method="post",
        action="/csv",
        id="selection",
    )


def _card(card: Card, family: Family | None, account: AccountId | None, config: Config) -> Html:
    digest = card.digest.hex()
    file = card.files[0] if card.files else None
    title = name(b"(no file)" if file is None else file.name)
    address = image_address(card.digest)
    box = element(
        "input",
        type="checkbox",
        name="image",
        value=digest,
        form="selection",
        aria_label="Mark",
    )
    return element(
        "article",
        element("label", box, class_="mark"),
        element(
            "a",
            element("img", src=picture_address(card.digest), alt="", loading="lazy"),
            href=address,
            class_="picture",
            tabindex="-1",
        ),
        element(
            "h3",
            element(
                "a", title, href=address, title=None if file is None else os.fsdecode(file.name)
            ),
        ),
        element("p", _place(card), class_="note"),
        element("p", content_of(card), class_="note"),
        family_chips(family),
        _chips(card, account, config),
        class_="image",
        data_digest=digest,
    )


def _chips(card: Card, account: AccountId | None, config: Config) -> Content:
    """Return the accounts of an image, that of the search first; all but a few are folded."""
    replicas = sorted(card.replicas, key=lambda one: one.account != account)
    states = Counter(one.state.value for one in replicas[FEW:])
    words = ", ".join(f"{count:,} {state}" for state, count in states.items())
    return folded([chip(one, config) for one in replicas], f": {words}")


def _place(card: Card) -> Content:
    """Return the folder of the first file, and how many other files there are."""
    if not card.files:
        return None
    others = card.file_count - 1
    return name(card.files[0].folder), f" · and {others:,} more" if others else None


def content_of(card: Card) -> str:
    """Return the format, the pixels and the bytes of an image."""
    pixels = "" if card.width is None else f"{card.width}×{card.height} · "
    return f"{pixels}{card.format or 'not a picture'} · {format_size(card.size)}"


def family_chips(family: Family | None) -> Content:
    """Return the ratios of a family, and those that are missing."""
    if family is None:
        return None
    present = (element("li", ratio, class_="ratio") for ratio in family.present)
    missing = (
        element("li", f"no {ratio}", class_="ratio absent", title="other motifs here have it")
        for ratio in family.missing
    )
    return element("ul", present, missing, class_="chips family")


def chip(replica: CardReplica, config: Config) -> Html:
    """Return an account with the state of the image in it, and its hash."""
    account = config.name_of(replica.account)
    why = replica.why
    if replica.state is State.COPIED and replica.copied_from is not None:
        why = copied_from(config.name_of(replica.copied_from))
    return element(
        "li",
        element("span", name(account), " ", element("b", replica.state.value), title=why),
        None
        if replica.hash is None
        else (
            element("code", replica.hash, data_account=account),
            copy_button(replica.hash, f"the hash in {account}"),
        ),
        class_=replica.state.value,
    )
