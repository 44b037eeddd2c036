"""The part of the configuration that --account and --folder of a command name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from syncd.cli.errors import Exit, fail
from syncd.config import Config
from syncd.config.selection import Selection, select
from syncd.model import AccountName, FolderName


def selected(
    config: Config, accounts: Sequence[str] | None, folders: Sequence[str] | None
) -> Selection:
    """Return the part that the options name; end the process if they exclude each other."""
    for kind, given, known in (
        ("account", accounts, config.accounts),
        ("folder", folders, config.folders),
    ):
        for name in given or ():
            if name not in known:
                fail(f"no {kind} {name} in the configuration; {_hint(name, known)}", Exit.USAGE)
    part = select(
        config, [AccountName(n) for n in accounts or ()], [FolderName(n) for n in folders or ()]
    )
    if not part.accounts:
        fail(
            f"the folder {_listed(folders)} does not feed the account {_listed(accounts)}:"
            f" see [folders] in {config.path}",
            Exit.USAGE,
        )
    return part


def _hint(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only after a mistake

    names = list(known)
    near = get_close_matches(name, names, n=1)
    return f"it has: {', '.join(names)}{f'; did you mean {near[0]}?' if near else ''}"


def _listed(names: Collection[str] | None) -> str:
    return " or ".join(names or ())
