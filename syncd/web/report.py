"""The library as one file of HTML, which needs no server and no other file."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from importlib.resources import files

from syncd.config import Config
from syncd.ledger import library
from syncd.ledger.library import Card
from syncd.ledger.library_filter import Filter
from syncd.rules.forecast import amount
from syncd.web.html import Html, element, name, page
from syncd.web.pages.library import content_of
from syncd.web.thumbnails import picture_of
from syncd.wording.figures import format_time

_SIDE = 160  # pixels of a picture
_PAGE = 100  # images of one read

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report(db: sqlite3.Connection, config: Config, wanted: Filter, limit: int, now: float) -> bytes:
    """Return the report of the newest `limit` images that are wanted; `now` is in unix seconds."""
    images = [_card(db, card, config) for card in _images(db, wanted, limit)]
    style = files("syncd.web").joinpath("assets/style.css").read_text("utf-8")
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "syncd library"),
        element("style", Html(style)),
    )
    body = element(
        "main",
        element("h1", "Library"),
        element("p", f"{amount(len(images), 'image')} at {format_time(now)}", class_="note"),
        element("div", images, id="grid"),
    )
    return page(head, body)


def _images(db: sqlite3.Connection, wanted: Filter, limit: int) -> Iterator[Card]:
    before: int | None = None
    while limit > 0:
        found = library.page(wanted, before, min(limit, _PAGE))(db)
        yield from found.images
        limit, before = limit - len(found.images), found.after
        if before is None:
            return


def _card(db: sqlite3.Connection, card: Card, config: Config) -> Html:
    picture = picture_of(library.sources(card.digest)(db), _SIDE)
    source = None if picture is None else f"data:image/webp;base64,{b64encode(picture).decode()}"
    file = card.files[0] if card.files else None
    accounts = (
        element(
            "li",
            name(config.name_of(one.account)),
            element("b", one.state.value),
            element("span", one.why) if one.why and not one.hash else None,
            element("code", one.hash) if one.hash else None,
            class_=one.state.value,
        )
        for one in card.replicas
    )
    parts = (
        element("p", element("img", src=source, alt=""), class_="picture") if source else None,
        element("h3", name(b"(no file)" if file is None else file.name)),
        None if file is None else element("p", name(file.folder), class_="note"),
        element("p", content_of(card), class_="note"),
        element("ul", accounts, class_="chips"),
    )
    return element("article", parts, class_="image")
