"""Plain values: every Python value becomes one that JSON can represent."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import NoReturn

import pytest

from syncd.config import LogLevel, Secret
from syncd.logs.value import LONGEST, Plain, plain

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)


class Kind(Enum):
    UPLOAD = "upload"


@dataclass(frozen=True)
class Opaque:
    name: str


class Broken:
    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")


RECURSIVE: list[object] = []
RECURSIVE.append(RECURSIVE)

VALUES: list[tuple[object, Plain]] = [
    ("text", "text"),
    (b"/srv/Fr\xc3\xbchling.jpg", "/srv/Frühling.jpg"),
    (b"/srv/\xff\n.jpg", "/srv/\\xff\\x0a.jpg"),
    ("/srv/\udcff.jpg", "/srv/\\xff.jpg"),
    ("\ud800", "\\ud800"),
    (Path("/srv/a"), "/srv/a"),
    (Kind.UPLOAD, "upload"),
    (LogLevel.INFO, "info"),
    (True, True),
    (3, 3),
    (2**60, "0x1000000000000000"),
    (41.23456, 41.235),
    (0.000123456, 0.000123),
    (float("nan"), "nan"),
    (NOW, "2026-11-21T22:04:05.678Z"),
    (ValueError("bad"), "bad"),
    (Secret("s"), "***"),
    (Opaque("x"), "Opaque(name='x')"),
    (Broken(), "<Broken>"),
    (["a", b"b"], ["a", "b"]),
    ({"a": {1}}, {"a": [1]}),
    (RECURSIVE, [[[["…"]]]]),
    (range(52), [*range(50), "… 2 more"]),
]


@pytest.mark.parametrize(("value", "shown"), VALUES, ids=[type(v).__name__ for v, _ in VALUES])
def test_a_value_is_shown_as_in_json(value: object, shown: Plain) -> None:
    assert plain(value) == shown


def test_a_long_text_keeps_both_ends() -> None:
    shown = plain("a" + "x" * 100_000 + "z")
    assert isinstance(shown, str)
    assert (shown[0], shown[-1]) == ("a", "z")
    assert len(shown) < LONGEST + 10
