"""The files that a configuration includes, read and merged with it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

import msgspec

from syncd.config.errors import ITEM, Key, Problem, dotted, item
from syncd.config.toml_text import Place, line_of, lines_of_keys, parse, read_text
from syncd.config.values import below
from syncd.model import printable

_NAMED = ("accounts", "folders")
"""The tables whose tables have names that the operator chose."""


class Whole(msgspec.Struct, frozen=True):
    """A configuration with what it includes, and the place of each key."""

    content: dict[str, object]
    places: dict[Key, Place]
    included: tuple[Path, ...]
    problems: list[Problem]


def read_whole(path: Path, text: str) -> Whole:
    """Read what the text of a configuration file includes.

    Raises ConfigError for a file that cannot be read or parsed.
    """
    content = parse(path, text)
    whole = Whole(content, _places(path, text), tuple(_included(path, content)), [])
    seen = {os.path.realpath(path)}
    for file in whole.included:
        if (real := os.path.realpath(file)) in seen:
            message = f"includes {printable(str(file))} twice, or this file itself"
            fix = "write patterns of which one alone matches each file"
        elif os.path.exists(file) and not os.path.isfile(file):  # reading a FIFO would wait
            message = f"includes {printable(str(file))}, which is not a regular file"
            fix = "remove it, or write a pattern that does not match it"
        else:
            seen.add(real)
            _add(whole, file, read_text(file))
            continue
        key = ("include",)
        whole.problems.append(_problem(whole.places, key, message, fix))
    return whole


def _included(path: Path, content: Mapping[str, object]) -> Iterator[Path]:
    """Yield the files that the patterns match, each pattern's sorted; a plain path always."""
    patterns = content.get("include")
    for pattern in patterns if isinstance(patterns, list) else ():
        # Others are reported with the other keys.
        if isinstance(pattern, str) and pattern and "\0" not in pattern:
            whole = below(pattern, path.absolute().parent)
            found = sorted(glob.glob(whole)) if glob.has_magic(whole) else [whole]
            yield from map(Path, found)


def _add(whole: Whole, file: Path, text: str) -> None:
    content, places = parse(file, text), _places(file, text)
    if "include" in content:
        message = "a file that is included cannot include others"
        fix = "write the pattern into the file that --config names"
        whole.problems.append(_problem(places, ("include",), message, fix))
        del content["include"]
    places = _after_items(whole.content, places)
    _merge(whole, whole.content, content, places, ())
    for key, place in places.items():
        whole.places.setdefault(key, place)


def _merge(
    whole: Whole,
    into: dict[str, object],
    more: Mapping[str, object],
    places: Mapping[Key, Place],
    table: Key,
) -> None:
    for name, value in more.items():
        key, known = (*table, name), into.get(name)
        if known is None:
            into[name] = value
        elif not table and isinstance(known, dict) and isinstance(value, dict):
            _merge(whole, known, value, places, key)
        elif not table and _is_array(known) and _is_array(value):
            into[name] = [*known, *value]
        else:
            kind = "name" if table and table[0] in _NAMED else "key"
            place = _place(whole.places, key)
            message = f"is also in {place.file}:{place.line}"
            fix = f"write each {kind} in one file"
            whole.problems.append(_problem(places, key, message, fix))


def _is_array(value: object) -> TypeGuard[list[dict[str, object]]]:
    """Return whether a value is an array of tables: each file can add some."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _after_items(content: Mapping[str, object], places: dict[Key, Place]) -> dict[Key, Place]:
    """Return the places with the numbers that tables of arrays get after those in `content`."""
    found: dict[Key, Place] = {}
    for key, place in places.items():
        known = content.get(key[0]) if key else None
        whole = key
        if len(key) > 1 and ITEM.fullmatch(key[1]) and isinstance(known, list):
            whole = (key[0], item(len(known) + int(key[1].strip("[]"))), *key[2:])
        found[whole] = place
    return found


def _places(file: Path, text: str) -> dict[Key, Place]:
    """Return the place of each key that has one of its own, and of the file as that of no key."""
    found = {key: Place(file, line) for key, line in lines_of_keys(text).items()}
    return {**found, (): Place(file, 1)}


def _place(places: Mapping[Key, Place], key: Key) -> Place:
    """Return the nearest place: a key in an inline table or with an escape has none of its own."""
    return line_of(key, places) or places[()]


def _problem(places: Mapping[Key, Place], key: Key, message: str, fix: str) -> Problem:
    place = _place(places, key)
    return Problem(file=place.file, key=dotted(key), message=message, fix=fix, line=place.line)
