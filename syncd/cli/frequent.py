"""The commands that services and scripts start, read without typer.

`syncd status` took 0.22 s, a third of it for the import of typer. So the plain forms of four
commands are read here. Typer reads everything else, and prints all help and all usage errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from syncd.cli.fast_start import import_structlog_without_rich
from syncd.cli.options import DEFAULT_CONFIG

_FLAGS = {"status": {"--json", "--check"}, "find": {"--json"}}
"""The options without a value, by command."""


def frequent_command(words: Sequence[str]) -> Callable[[], None] | None:
    """Return the command that the words name; None if typer has to read them."""
    given = _read(words)
    if given is None or not given.flags <= _FLAGS.get(given.words[0], set()):
        return None
    config, flags = given.config, given.flags
    match given.words:
        case ["status"]:
            from syncd.cli.status import status  # noqa: PLC0415  no command imports the others

            return partial(status, config, json="--json" in flags, check="--check" in flags)
        case ["find", what]:
            from syncd.cli.find import find  # noqa: PLC0415  the same

            return partial(find, what, config, json="--json" in flags)
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


class _Given(msgspec.Struct, frozen=True):
    """The words of a command, and its options."""

    words: list[str]
    config: Path
    flags: set[str]


def _read(words: Sequence[str]) -> _Given | None:
    """Return the words and the options; None if anything but `--config PATH` has a value."""
    plain: list[str] = list(words[:1])
    configs: list[str] = []
    flags: set[str] = set()
    rest = iter(words[1:])
    for word in rest:
        if word in ("-c", "--config"):
            configs.append(next(rest, ""))
        elif word.startswith("-"):
            flags.add(word)
        else:
            plain.append(word)
    values = (*plain, *configs)
    if not plain or len(configs) > 1 or any(not one or one.startswith("-") for one in values):
        return None
    return _Given(plain, Path(configs[0]) if configs else DEFAULT_CONFIG, flags)
