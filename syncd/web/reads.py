"""Reads of the ledger for each page, on the thread of a connection."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence

import msgspec

from syncd.config import Config
from syncd.daemon import report, status_file
from syncd.ledger import activity, history_rows, library, search
from syncd.ledger import families as found_families
from syncd.ledger.activity import HOUR
from syncd.ledger.families import FoundFamily, Key, of_file
from syncd.ledger.history_rows import Filter as Rows
from syncd.ledger.library import Card, Page, SourceFile
from syncd.ledger.library_filter import Filter, like
from syncd.ledger.search import FoundFile
from syncd.model import AccountName, decoded_name
from syncd.rules.family import Family
from syncd.web.pages.activity import Activity, first_hour
from syncd.web.pages.image import Known
from syncd.web.pages.overview import Overview
from syncd.wording.account import why_waiting
from syncd.wording.csv_row import CsvRow
from syncd.wording.daemon import read_daemon

PAGE = 60
"""Images on a page."""

FAMILIES = 24
"""Families on a page."""

MOST_MEMBERS = 12
"""Images of a family on a page."""

MOST_ROWS = 200
"""Rows of the history of an image."""

BUSIEST = 8
"""Accounts that the activity offers by name; the card of each account offers its own."""

LATELY = 7 * 24
"""Hours whose calls make an account one of the busiest."""

MOST_ABSENT = 20
"""Files without an image that a search shows."""


def overview(config: Config, account: str, db: sqlite3.Connection) -> Overview:
    """Return what the overview shows, with the activity of an account; empty: of all."""
    path = config.ledger.path
    written = status_file.find(os.environ, path)
    daemon = read_daemon(path, written)
    running = written if daemon.is_running else None
    found, counted_at = report.from_ledger(db, config.names(), running)
    return Overview(found, counted_at, daemon, _activity(config, account, db))


def _activity(config: Config, account: str, db: sqlite3.Connection) -> Activity:
    now, only = time.time(), config.accounts.get(AccountName(account))
    first, last = first_hour(now), int(now) // HOUR
    busiest = activity.busiest(last - LATELY, last, BUSIEST)(db)
    names = config.names()
    return Activity(
        account=None if only is None else account,
        others=[names[one] for one in busiest if one in names] if len(names) > 1 else [],
        figures=activity.hours(first, last, None if only is None else only.id)(db),
        running=activity.hours_of_daemon(first, last)(db),
        now=now,
    )


def library_page(wanted: Filter, before: int | None, db: sqlite3.Connection) -> Page:
    """Return the images below a key, or the newest."""
    return library.page(wanted, before, PAGE)(db)


def continued(wanted: Filter, page: Page, db: sqlite3.Connection) -> Page:
    """Return a page with the images that the next read finds, until it is full."""
    more = library.page(wanted, page.after, PAGE - len(page.images))(db)
    return Page([*page.images, *more.images], more.after)


def families(images: Sequence[Card], db: sqlite3.Connection) -> list[Family | None]:
    """Return the family of the first file of each image; None for a name without a ratio."""
    return [
        of_file(image.files[0].folder, image.files[0].directory, image.files[0].name)(db)
        if image.files
        else None
        for image in images
    ]


class FamiliesShown(msgspec.Struct, frozen=True):
    """Families with the images of each in the order of its files, and the key of the next page."""

    families: list[tuple[FoundFamily, list[Card]]]
    after: Key | None


def families_page(
    folder: str, part: str, db: sqlite3.Connection, *, after: Key | None, limit: int
) -> FamiliesShown:
    """Return the families after a key, or the first; `limit` at most."""
    page = found_families.page(folder, part, after, limit)(db)
    shown = [
        (one, library.cards([file.image for file in one.files[:MOST_MEMBERS]])(db))
        for one in page.families
    ]
    return FamiliesShown(shown, page.after)


def image(config: Config, digest: bytes, db: sqlite3.Connection) -> Known | None:
    """Return what is known of an image; None if there is no such image."""
    ids = library.ids([digest])(db)
    if not ids:
        return None
    (found,) = search.by_ids(ids)(db)
    path = found.files[0] if found.files else None
    of = None
    if path is not None:
        directory, _, name = path.path.rpartition(b"/")
        of = of_file(path.folder, directory, name)(db)
    return Known(
        image=found,
        digest=digest,
        family=of,
        history=history_rows.newest(Rows(images=ids), MOST_ROWS)(db),
        waiting=why_waiting(config, db),
    )


def unread(text: str, db: sqlite3.Connection) -> list[FoundFile]:
    """Return files with a part of a name that the ledger has without their content."""
    return search.unread_by_name(like(text), MOST_ABSENT)(db)


def sources(digest: bytes, db: sqlite3.Connection) -> list[SourceFile]:
    """Return files that have the image."""
    return library.sources(digest)(db)


def csv(config: Config, digests: Sequence[bytes], account: str, db: sqlite3.Connection) -> bytes:
    """Return the hashes of images in an account, or in each, as a table for bulk sheets."""
    only = config.accounts.get(AccountName(account))
    header = ("file_name", "hash", "account", "account_id")
    images = library.cards(library.ids(digests)(db))(db)
    rows = (
        row
        for card in images
        for row in _rows(card, config)
        if only is None or row[3] == f"act_{only.id}"
    )
    row = CsvRow()
    return b"".join(row.encode(cells) for cells in (header, *rows))


def _rows(card: Card, config: Config) -> Iterator[tuple[str, str, str, str]]:
    name = decoded_name(card.files[0].name) if card.files else ""
    for one in card.replicas:
        if one.hash is not None:
            yield name, one.hash, config.name_of(one.account), f"act_{one.account}"
