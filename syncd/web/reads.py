"""Reads of the ledger for each page, on the thread of a connection."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from syncd.config import Config
from syncd.daemon import report, status_file
from syncd.daemon.report import Report
from syncd.ledger import history_rows, library, search
from syncd.ledger.history_rows import Filter as Rows
from syncd.ledger.library import Card, Page, SourceFile
from syncd.ledger.library_filter import Filter
from syncd.model import AccountName
from syncd.rules.family import Family, family, member
from syncd.web.pages.image import Known
from syncd.wording.account import why_waiting
from syncd.wording.csv_row import CsvRow
from syncd.wording.daemon import DaemonReport, read_daemon

PAGE = 60
"""Images on a page."""

MOST_ROWS = 200
"""Rows of the history of an image."""

MOST_MARKED = 5_000
"""Images of which a CSV has the hashes."""


class Overview(msgspec.Struct, frozen=True):
    """The figures of a report, when they were counted, and whether the daemon runs."""

    report: Report
    counted_at: float  # unix seconds
    daemon: DaemonReport


def overview(config: Config, db: sqlite3.Connection) -> Overview:
    """Return what the overview shows."""
    path = config.ledger.path
    written = status_file.find(os.environ, path)
    daemon = read_daemon(path, written)
    names = {account.id: str(name) for name, account in config.accounts.items()}
    running = written if daemon.is_running else None
    found, counted_at = report.from_ledger(db, names, running)
    return Overview(found, counted_at, daemon)


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
        _family(db, image.files[0].folder, image.files[0].directory, image.files[0].name)
        if image.files
        else None
        for image in images
    ]


def _family(db: sqlite3.Connection, folder: str, directory: bytes, name: bytes) -> Family | None:
    own = member(_text(name))
    if own is None:
        return None
    begin = os.fsencode(_text(name)[: len(own.motif)])
    names = library.directory_names(folder, directory, begin)(db)
    return family(own.motif, map(_text, names))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


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
        of = _family(db, path.folder, directory, name)
    return Known(
        image=found,
        digest=digest,
        family=of,
        history=history_rows.newest(Rows(images=ids), MOST_ROWS)(db),
        waiting=why_waiting(config, db),
    )


def sources(digest: bytes, db: sqlite3.Connection) -> list[SourceFile]:
    """Return files that have the image."""
    return library.sources(digest)(db)


def csv(config: Config, digests: Sequence[bytes], account: str, db: sqlite3.Connection) -> bytes:
    """Return the hashes of images in an account, or in each, as a table for bulk sheets."""
    only = config.accounts.get(AccountName(account))
    header = ("file_name", "hash", "account", "account_id")
    images = library.cards(library.ids(digests[:MOST_MARKED])(db))(db)
    rows = (
        row
        for card in images
        for row in _rows(card, config)
        if only is None or row[3] == f"act_{only.id}"
    )
    row = CsvRow()
    return b"".join(row.encode(cells) for cells in (header, *rows))


def _rows(card: Card, config: Config) -> Iterator[tuple[str, str, str, str]]:
    name = _text(card.files[0].name) if card.files else ""
    for one in card.replicas:
        if one.hash is not None:
            yield name, one.hash, config.name_of(one.account), f"act_{one.account}"
