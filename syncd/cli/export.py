"""`syncd export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import Annotated

import msgspec
import typer

from syncd.cli.console import json_array
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, account_names
from syncd.cli.selected import account_named
from syncd.ledger import export as ledger
from syncd.ledger.export import HeldImage, Row, State
from syncd.ledger.file import reading
from syncd.model import AccountId, AccountName, printable
from syncd.wording.account import why_waiting
from syncd.wording.csv_row import CsvRow


class Format(StrEnum):
    """The format of the output."""

    CSV = "csv"
    JSON = "json"


class Line(msgspec.Struct, kw_only=True):
    """A row of the output; columns and their order are stable."""

    file: str
    folder: str
    account: str
    sha256: str | None
    hash: str | None
    name: str | None
    size: int
    state: str
    why: str | None


def export(
    config: ConfigPath = DEFAULT_CONFIG,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv: for spreadsheets (RFC 4180). json: one array, with one line per row.",
        ),
    ] = Format.CSV,
    account: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Only this account.",
            show_default=False,
            autocompletion=account_names,
        ),
    ] = "",
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Also write the images that an account holds and no file needs there."
        ),
    ] = False,
) -> None:
    """Write every file with its hash, name and state in each account to stdout, as CSV or JSON.

    It only reads the ledger, page by page, and works while the daemon runs.
    """
    settings = load_config(config)
    only = account_named(settings, account).id if account else None
    names = {known.id: name for name, known in settings.accounts.items()}
    with ledger_required(), reading(settings.ledger.path) as db:
        waiting = why_waiting(settings, db)
        lines: Iterator[Line] = (_line(row, names, waiting) for row in ledger.rows(db, only))
        if everything:
            held = (ledger.held_without_file(db, one) for one in names if only in (None, one))
            others = (_held_line(image, names) for image in chain.from_iterable(held))
            lines = chain(lines, others)
        wanted = (line for line in lines if account in ("", line.account))
        _write(_as_csv(wanted) if form is Format.CSV else json_array(wanted))


def _line(
    row: Row, names: Mapping[AccountId, AccountName], waiting: Mapping[AccountId, str]
) -> Line:
    why_missing = waiting.get(row.account) if row.state is State.MISSING else None
    return Line(
        file=printable(row.path),
        folder=row.folder,
        account=names.get(row.account, f"act_{row.account}"),
        sha256=None if row.digest is None else row.digest.hex(),
        hash=row.hash,
        name=row.name,
        size=row.size,
        state=row.state,
        why=row.why or why_missing,
    )


def _held_line(image: HeldImage, names: Mapping[AccountId, AccountName]) -> Line:
    known = image.root is not None and image.path is not None
    return Line(
        file=printable(os.path.join(image.root or b"", image.path or b"")) if known else "",
        folder=image.folder or "",
        account=names[image.account],
        sha256=image.digest.hex(),
        hash=image.hash,
        name=image.name,
        size=image.size,
        state=image.state,
        why=image.why,
    )


def _as_csv(lines: Iterable[Line]) -> Iterator[bytes]:
    """Yield rows of RFC 4180, with a header."""
    row = CsvRow()
    yield row.encode(Line.__struct_fields__)
    for line in lines:
        yield row.encode(msgspec.structs.astuple(line))


def _write(chunks: Iterable[bytes]) -> None:
    """Write to stdout, as UTF-8 in every locale, until a reader such as `head` closes the pipe."""
    out = sys.stdout.buffer
    try:
        for chunk in chunks:
            out.write(chunk)
        out.flush()
    except OSError as error:
        # Python would write the remaining buffer at exit, and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            fail(f"the output is incomplete: {error.strerror}", Exit.SYSTEM)
