"""The conditions by which `syncd web` selects images, as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from syncd.model import AccountId


class State(StrEnum):
    """A state of an image in an account: the values of the column `state`, without the former.

    An image that is held is also copied, if it arrived as a copy from another account.
    """

    HELD = "held"
    COPIED = "copied"
    MISSING = "missing"
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"
    UNWANTED = "unwanted"


class Ratio(msgspec.Struct, frozen=True):
    """The smallest and the greatest quotient of width and height."""

    low: float
    high: float


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """The images that are listed; None or an empty text: any.

    Conditions about files have to be true of one file: its folder, name and time.
    """

    text: str = ""  # a part of a file name, or the beginning of a hash or a SHA-256
    folder: str = ""
    account: AccountId | None = None
    state: State | None = None  # in that account, or in any
    format: str = ""
    ratio: Ratio | None = None
    pixels: tuple[int, int] | None = None  # width and height
    since: float | None = None  # the file was changed then or later, unix seconds
    until: float | None = None  # the file was changed before then


NAMED = r"CAST(file.name AS TEXT) LIKE ? ESCAPE '\'"


def like(part: str) -> str:
    r"""Return the pattern of LIKE for a part of a name; it takes a-z and A-Z for the same."""
    escaped = re.sub(r"([%_\\])", r"\\\1", part)
    return f"%{escaped}%"


def conditions(wanted: Filter) -> tuple[str, list[object]]:
    """Return the conditions on `image` as SQL, each after an AND, and their values."""
    found = [*_of_image(wanted), *_of_file(wanted), *_of_replica(wanted)]
    text = "".join(f"\n            AND {condition}" for condition, _ in found)
    return text, [value for _, values in found for value in values]


_Condition = tuple[str, Sequence[object]]


def times(wanted: Filter) -> list[_Condition]:
    """Return the conditions on the time of a file, and their values."""
    found: list[_Condition] = []
    if wanted.since is not None:
        found.append(("file.mtime_ns >= ?", (int(wanted.since * 1e9),)))
    if wanted.until is not None:
        found.append(("file.mtime_ns < ?", (int(wanted.until * 1e9),)))
    return found


def is_of_images(wanted: Filter) -> bool:
    """Return whether every condition is one on images."""
    of_others = (*_of_file(wanted), *_of_replica(wanted))
    return not of_others


def _of_image(wanted: Filter) -> Iterator[_Condition]:
    if wanted.format:
        yield "image.format = ?", (wanted.format,)
    if wanted.pixels is not None:
        yield "image.width = ? AND image.height = ?", wanted.pixels
    if wanted.ratio is not None:
        quotient = "CAST(image.width AS REAL) / image.height"
        yield f"{quotient} BETWEEN ? AND ?", (wanted.ratio.low, wanted.ratio.high)


def _of_file(wanted: Filter) -> Iterator[_Condition]:
    inner: list[_Condition] = []
    if wanted.folder:
        of_folder = "directory.folder_id = (SELECT id FROM folder WHERE name = ?)"
        inner.append((of_folder, (wanted.folder,)))
    if wanted.text:
        inner.append((NAMED, (like(wanted.text),)))
    inner += times(wanted)
    if inner:
        yield (
            f"""EXISTS (
                SELECT 1
                FROM file INDEXED BY file_by_image
                JOIN directory ON directory.id = file.directory_id
                WHERE file.image_id = image.id AND {" AND ".join(text for text, _ in inner)}
            )""",
            [value for _, values in inner for value in values],
        )


def _of_replica(wanted: Filter) -> Iterator[_Condition]:
    inner: list[_Condition] = []
    if wanted.account is not None:
        of_account = "replica.account_id = (SELECT id FROM account WHERE act = ?)"
        inner.append((of_account, (wanted.account,)))
    if wanted.state is State.COPIED:
        inner.append(("replica.state = 'held' AND replica.copied_from IS NOT NULL", ()))
    elif wanted.state is not None:
        inner.append(("replica.state = ?", (wanted.state.value,)))
    if inner:
        yield (
            f"""EXISTS (
                SELECT 1
                FROM replica
                WHERE replica.image_id = image.id AND replica.state <> 'forgotten'
                    AND {" AND ".join(text for text, _ in inner)}
            )""",
            [value for _, values in inner for value in values],
        )
