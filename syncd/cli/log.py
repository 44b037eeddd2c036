"""`syncd log`."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from syncd.cli.console import print_error, print_json, print_row
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.find import former_images, images_of
from syncd.cli.local_time import parse_time
from syncd.cli.options import load_config
from syncd.cli.selected import selected
from syncd.config import Config
from syncd.config.errors import InvalidValueError
from syncd.config.values import duration
from syncd.ledger import history_rows, replicas, schema
from syncd.ledger.errors import LedgerReplacedError
from syncd.ledger.file import reading
from syncd.ledger.history import What
from syncd.ledger.history_rows import Filter, Row
from syncd.log import moment
from syncd.model import Digest, printable
from syncd.wording.figures import format_time
from syncd.wording.history import preposition, why

POLL = 0.5
"""Seconds between two looks for new rows."""

_PAGE = 1000  # rows of one read while following


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `syncd log`."""

    since: str = ""
    accounts: tuple[str, ...] = ()
    what: str = ""
    limit: int = 200
    follow: bool = False
    json: bool = False


def log(about: str, config: Path, options: Options) -> None:
    """Print what happened to the images that `about` names, or to all; the oldest comes first."""
    settings = load_config(config)
    if options.follow and options.json:
        fail("--follow prints lines: leave out --json, or --follow", Exit.USAGE)
    part = selected(settings, options.accounts, ())
    accounts = [settings.accounts[name].id for name in part.accounts] if options.accounts else None
    since, whats = _since(options.since), _whats(options.what)
    with ledger_required(), reading(settings.ledger.path) as db:
        opened = os.stat(settings.ledger.path)
        images = _images(settings, db, about) if about else None
        wanted = Filter(images=images, since=since, accounts=accounts, whats=whats)
        last = history_rows.last_id()(db)
        rows = history_rows.newest(wanted, options.limit + 1)(db)
        shown = rows[-options.limit :]
        if len(rows) > options.limit:
            print_error(f"syncd: the last {len(shown)} rows; --limit shows more", "info")
        if options.json:
            print_json([_as_json(row, settings) for row in shown])
        else:
            _print(shown, settings)
        if options.follow:
            _follow(db, wanted, last, settings, opened)
    if not rows:
        days = f"{settings.ledger.history / 86400:g} days"
        advice = f"; `syncd find {about}` shows its state" if about else ""
        fail(f"the history, which goes back {days}, has nothing {_description(about)}{advice}")


def _description(about: str) -> str:
    return f"about {about}" if about else "that these options select"


def _follow(
    db: sqlite3.Connection,
    wanted: Filter,
    last: int,
    settings: Config,
    opened: os.stat_result,
) -> None:
    """Print new rows until the process is ended. Raises LedgerReplacedError.

    `opened` is the status of the ledger's file when `db` was connected to it.
    """
    path, version = settings.ledger.path, None
    while True:
        if not (schema.exists(path) and os.path.samestat(os.stat(path), opened)):
            raise LedgerReplacedError(str(path))
        now = db.execute("PRAGMA data_version").fetchone()
        if now != version:
            version = now
            schema.check_version(db, path)  # a newer syncd may have migrated the ledger
            while rows := history_rows.after(wanted, last, _PAGE)(db):
                _print(rows, settings)
                last = rows[-1].id
        sys.stdout.flush()
        time.sleep(POLL)


def _since(text: str) -> float | None:
    if not text:
        return None
    now = time.time()
    if re.fullmatch(r"\d+(\.\d+)?[a-z]+", text):
        try:
            return now - duration("1s", "3650d")(text)
        except InvalidValueError as error:
            fail(f"--since: {error.message}; {error.fix}", Exit.USAGE)
    then = parse_time(text, now, is_past=True)
    if then is None:
        fail(
            f"--since: {text} is not a time: write one such as 2h, 18:00 or 2026-11-01", Exit.USAGE
        )
    return then


def _whats(text: str) -> list[str] | None:
    if not text:
        return None
    given = [word.strip() for word in text.split(",")]
    for word in given:
        if word not in set(What):
            fail(f"--what: {word} is not one of {', '.join(What)}", Exit.USAGE)
    return given


def _images(settings: Config, db: sqlite3.Connection, about: str) -> list[int]:
    """Return the ids of the images that `about` names, also of those whose file is gone."""
    digests = [Digest(i.digest) for i in images_of(settings, db, about) if i.digest is not None]
    present = replicas.image_ids(db, digests).values()
    found = dict.fromkeys([*present, *former_images(settings, db, about)])
    return list(found)[: history_rows.MOST_IMAGES]


def _print(rows: Sequence[Row], settings: Config) -> None:
    for row in rows:
        print_row("  ".join(_parts(row, settings)))


def _parts(row: Row, settings: Config) -> Iterator[str]:
    yield format_time(row.at)
    if row.account is None:
        yield row.what.value
    else:
        yield f"{row.what.value} {preposition(row.what)} {settings.name_of(row.account)}"
    if (file := _file(row)) is not None:
        yield file
    if row.hash is not None:
        yield row.hash
    if row.user is not None:
        yield f"by {row.user}"
    if (reason := why(row)) is not None:
        yield f"({reason})"


def _file(row: Row) -> str | None:
    if row.path is None or row.root is None:
        return None
    return printable(os.path.join(row.root, row.path))


def _as_json(row: Row, settings: Config) -> dict[str, object]:
    return {
        "timestamp": moment(row.at),
        "what": row.what,
        "account": None if row.account is None else settings.name_of(row.account),
        "file": _file(row),
        "sha256": None if row.digest is None else row.digest.hex(),
        "hash": row.hash,
        "why": why(row),
        "user": row.user,
    }
