"""Rows of CSV (RFC 4180): CRLF, quotes where needed; UTF-8 without a BOM."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from syncd.model import printable

Cell = str | int | float | bool | None


class CsvRow:
    """An encoder of rows."""

    def __init__(self) -> None:
        self._text = ""
        self._write = csv.writer(self, lineterminator="\r\n").writerow

    def write(self, text: str) -> None:
        """Keep what csv.writer writes."""
        self._text = text

    def encode(self, cells: Iterable[Cell]) -> bytes:
        """Return one row."""
        self._write([_cell(value) for value in cells])
        return self._text.encode()


_FORMULA = tuple("=+-@＝＋－＠")  # owasp.org/www-community/attacks/CSV_Injection


def _cell(value: Cell) -> Cell:
    """Return a cell of one printable line that a spreadsheet does not evaluate.

    An apostrophe marks what could be a formula as text.
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
