"""The output of `syncd images`: rows as a table, JSON or CSV, each written as it arrives."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol

import msgspec

from syncd.cli.console import print_line
from syncd.wording.csv_row import Cell, CsvRow


class Format(StrEnum):
    """The format of the output."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Row = Mapping[str, Any]


class Rows(Protocol):
    """Writes rows to stdout; leaving the context completes the output."""

    def __enter__(self) -> Rows: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def write(self, row: Row) -> None:
        """Write one row."""


def rows(form: Format, columns: Sequence[str], width: int | None) -> Rows:
    """Return a writer of rows; JSON has all values of a row, the others these columns.

    The lines of a table have at most `width` columns; None for no limit.
    """
    match form:
        case Format.TABLE:
            return _Table(columns, width)
        case Format.JSON:
            return _Json()
        case Format.CSV:
            return _Csv(columns)


_WIDTHS = {
    "hash": 32,
    "pixels": 11,
    "created": 10,
    "status": 8,
    "state": 12,
    "id": 52,
    "account_id": 17,
    "created_time": 24,
    "updated_time": 24,
    "name": 24,
    "url": 60,
}
"""Columns of a field in a table; others are as wide as their name. The last one is not limited."""


class _Table:
    def __init__(self, columns: Sequence[str], width: int | None) -> None:
        self._columns = columns
        self._width = width
        self._is_empty = True

    def __enter__(self) -> _Table:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the table as it is."""

    def write(self, row: Row) -> None:
        if self._is_empty:
            self._print([name.upper() for name in self._columns])
            self._is_empty = False
        self._print([_text(_value(row, name)) for name in self._columns])

    def _print(self, cells: Sequence[str]) -> None:
        fixed = [
            _fitted(cell, max(len(name), _WIDTHS.get(name, 0)))
            for name, cell in zip(self._columns[:-1], cells, strict=False)
        ]
        line = "  ".join([*fixed, cells[-1]])
        print_line(line if self._width is None else _fitted(line, self._width).rstrip())


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _value(row: Row, name: str) -> Any:
    match name:
        case "pixels":
            sizes = row.get("width"), row.get("height")
            return None if None in sizes else f"{sizes[0]}x{sizes[1]}"
        case "created":
            return str(row.get("created_time") or "")[:10]
        case _:
            return row.get(name)


def _text(value: Any) -> str:
    cell = _cell(value)
    return "" if cell is None else str(cell)


def _cell(value: Any) -> Cell:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return " ".join(_text(one) for one in value)
        case _:
            return msgspec.json.encode(value).decode()


class _Csv:
    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._row = CsvRow()

    def __enter__(self) -> _Csv:
        _write(self._row.encode(self._columns))
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the rows as they are."""

    def write(self, row: Row) -> None:
        _write(self._row.encode([_cell(row.get(name)) for name in self._columns]))


class _Json:
    """One array with a line for each row, which is complete also after an error or Ctrl-C."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._between = b"[\n"

    def __enter__(self) -> _Json:
        return self

    def __exit__(self, *_: object) -> None:
        _write(b"\n]\n" if self._between == b",\n" else b"[]\n")

    def write(self, row: Row) -> None:
        _write(self._between + self._encode(row))
        self._between = b",\n"


def _write(chunk: bytes) -> None:
    """Write to stdout as UTF-8 in every locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(chunk)
