"""`syncd export`."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.ledger import export as ledger
from syncd.ledger.database import reading
from syncd.ledger.export import Row
from syncd.model import AccountId, AccountName, printable


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"


class Line(msgspec.Struct):
    """A row as it is written: the columns, in this order, for as long as syncd has this command."""

    file: str
    folder: str
    account: str
    sha256: str | None
    hash: str | None
    name: str | None
    size: int
    status: str
    reason: str | None


def export(
    config: ConfigPath = DEFAULT_CONFIG,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="csv: for spreadsheets, RFC 4180. json: one array, a line each row."
        ),
    ] = Format.CSV,
    account: Annotated[
        str, typer.Option(metavar="NAME", help="This account alone.", show_default=False)
    ] = "",
) -> None:
    """Write every file and account with hash, name and status, as CSV or JSON, to stdout.

    Reads the ledger alone, page by page, also beside the daemon.
    """
    settings = configured(config)
    if account and AccountName(account) not in settings.accounts:
        known = ", ".join(settings.accounts)
        sys.stderr.write(f"syncd: there is no account {account}; there are {known}\n")
        raise typer.Exit(Exit.NOT_ALL)
    names = {known.id: name for name, known in settings.accounts.items()}
    try:
        with reading(settings.ledger.path) as db:
            lines = (_line(row, names) for row in ledger.rows(db))
            wanted = (line for line in lines if account in ("", line.account))
            _write(_as_csv(wanted) if form is Format.CSV else _as_json(wanted))
    except FileNotFoundError as error:
        sys.stderr.write(f"syncd: {error}\n")
        raise typer.Exit(Exit.NOT_ALL) from None


def _line(row: Row, names: Mapping[AccountId, AccountName]) -> Line:
    return Line(
        file=printable(row.path),
        folder=row.folder,
        account=names.get(row.account, f"act_{row.account}"),
        sha256=None if row.digest is None else row.digest.hex(),
        hash=row.hash,
        name=row.name,
        size=row.size,
        status=row.status,
        reason=row.reason,
    )


def _as_json(lines: Iterable[Line]) -> Iterator[bytes]:
    """One array, which any reader of JSON takes, with a line for each row, which grep takes."""
    encode, between = msgspec.json.Encoder().encode, b"[\n"
    for line in lines:
        yield between + encode(line)
        between = b",\n"
    yield b"\n]\n" if between == b",\n" else b"[]\n"


class _Taken:
    """Stands for a file: what csv wrote last."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def _as_csv(lines: Iterable[Line]) -> Iterator[bytes]:
    """RFC 4180: a header, CRLF, quotes where they are needed; UTF-8 without a mark."""
    taken = _Taken()
    write = csv.writer(taken, lineterminator="\r\n").writerow
    write(Line.__struct_fields__)
    yield taken.text.encode()
    for line in lines:
        write([_cell(value) for value in msgspec.structs.astuple(line)])
        yield taken.text.encode()


_FORMULA = tuple("=+-@\t\r＝＋－＠")  # owasp.org/www-community/attacks/CSV_Injection


def _cell(value: str | int | None) -> str | int | None:
    """Return a cell that no spreadsheet calculates: an apostrophe says that it is text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _write(chunks: Iterable[bytes]) -> None:
    """Write to stdout, as UTF-8 in every locale, until all is written or `head` has enough."""
    out = sys.stdout.buffer
    try:
        for chunk in chunks:
            out.write(chunk)
        out.flush()
    except OSError as error:
        # What is still buffered would be tried once more at exit, and complained about.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"syncd: not all was written: {error.strerror}\n")
            raise typer.Exit(Exit.NOT_ALL) from None
