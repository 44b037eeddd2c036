"""The commands that services and scripts start, read without typer.

`syncd status` took 0.22 s, a third of it for the import of typer. So the plain forms of four
commands are read here. Typer reads everything else, and prints all help and all usage errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from syncd.cli.fast_start import import_structlog_without_rich
from syncd.cli.options import DEFAULT_CONFIG

_FLAGS = {
    "status": {"--json", "--check", "--watch"},
    "find": {"--json"},
    "log": {"--json", "--follow"},
}
"""The options without a value, by command."""

_VALUED = {
    "status": {"--files", "--account", "--folder"},
    "log": {"--since", "--account", "--what", "--limit"},
}
"""The options with a value, by command; `--config` is one of each."""


MOST_ROWS = 1_000_000
"""The greatest `--limit` of `syncd log`."""


def frequent_command(words: Sequence[str]) -> Callable[[], None] | None:
    """Return the command that the words name; None if typer has to read them."""
    given = _read(words)
    if given is None or not given.flags <= _FLAGS.get(given.words[0], set()):
        return None
    config, flags = given.config, given.flags
    match given.words:
        case ["status"]:
            return _status(given)
        case ["find", what]:
            from syncd.cli.find import find  # noqa: PLC0415  the same

            return partial(find, what, config, json="--json" in flags)
        case ["log"] | ["log", _]:
            return _log(given)
        case ["backfill"]:
            import_structlog_without_rich()
            from syncd.cli.backfill import backfill  # noqa: PLC0415  the same

            return partial(backfill, config)
        case ["run"]:
            import_structlog_without_rich()
            from syncd.cli.run import run  # noqa: PLC0415  the same

            return partial(run, config)
        case _:
            return None


def _status(given: _Given) -> Callable[[], None] | None:
    from syncd.cli.status import Options, status  # noqa: PLC0415  no command imports the others
    from syncd.cli.status_files import Kind  # noqa: PLC0415  the same

    kind = given.values.get("--files", [""])[-1]
    if kind and kind not in set(Kind):
        return None
    options = Options(
        json="--json" in given.flags,
        check="--check" in given.flags,
        watch="--watch" in given.flags,
        files=Kind(kind) if kind else None,
        accounts=tuple(given.values.get("--account", ())),
        folders=tuple(given.values.get("--folder", ())),
    )
    return partial(status, given.config, options)


def _log(given: _Given) -> Callable[[], None] | None:
    from syncd.cli.log import Options, log  # noqa: PLC0415  no command imports the others

    values = {name: given.values.get(name, [""])[-1] for name in ("--since", "--what", "--limit")}
    limit = values["--limit"]
    if limit and (not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MOST_ROWS):
        return None
    options = Options(
        since=values["--since"],
        accounts=tuple(given.values.get("--account", ())),
        what=values["--what"],
        limit=int(limit) if limit else Options().limit,
        follow="--follow" in given.flags,
        json="--json" in given.flags,
    )
    return partial(log, "".join(given.words[1:]), given.config, options)


class _Given(msgspec.Struct, frozen=True):
    """The words of a command, and its options."""

    words: list[str]
    config: Path
    flags: set[str]
    values: dict[str, list[str]]  # by option


def _read(words: Sequence[str]) -> _Given | None:
    """Return the words and the options; None if they have any but the plain form."""
    plain: list[str] = list(words[:1])
    valued = {"--config", *_VALUED.get("".join(plain), ())}
    values: dict[str, list[str]] = {}
    flags: set[str] = set()
    rest = iter(words[1:])
    for word in rest:
        option = "--config" if word == "-c" else word
        if option in valued:
            values.setdefault(option, []).append(next(rest, ""))
        elif word.startswith("-"):
            flags.add(word)
        else:
            plain.append(word)
    every = (*plain, *chain.from_iterable(values.values()))
    configs = values.pop("--config", [])
    if not plain or len(configs) > 1 or any(not one or one.startswith("-") for one in every):
        return None
    return _Given(plain, Path(configs[0]) if configs else DEFAULT_CONFIG, flags, values)
