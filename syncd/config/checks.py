"""Checks of paths against each other: no folder and no file of syncd is inside another folder."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping

from syncd.config.errors import Key, quoted
from syncd.config.reader import Findings
from syncd.model import FolderName

RESOLVE_TIMEOUT = 3.0
"""Seconds to resolve all paths: a hung file server must not delay the other folders' start."""

_OUTSIDE: Mapping[Key, str] = {
    ("ledger", "path"): "/var/lib/syncd/ledger.db",
    ("metrics", "listen"): "/run/syncd/metrics.sock",
    ("metrics", "textfile"): "/var/lib/prometheus/node-exporter/syncd.prom",
}
"""A good path for each file that syncd writes."""


def check_overlaps(
    paths: Mapping[FolderName, str], resolved: Mapping[str, str], findings: Findings
) -> None:
    """Record every folder that is inside another one, as written or with its links resolved.

    A file belongs to one folder only. `resolved` maps each path to where it leads.
    """
    real = {name: resolved[path] for name, path in paths.items()}
    reported: set[FolderName] = set()
    for forms in (paths, real):
        for inner, outer in _nested(forms):
            if inner in reported:
                continue
            reported.add(inner)
            is_same = forms[inner] == forms[outer]
            relation = "is the same directory as" if is_same else "is inside"
            link = "" if forms is paths else f": it resolves to {quoted(real[inner])}"
            findings.add_problem(
                ("folders", inner, "path"),
                f"{quoted(paths[inner])} {relation} the folder {quoted(outer)}"
                f" ({quoted(paths[outer])}){link}",
                "remove or move one of the two folders, so that no file is in both; to send the"
                f" images of {quoted(outer)} to more accounts, write mirrors there",
            )


def check_outside(
    key: Key,
    file: str,
    paths: Mapping[FolderName, str],
    resolved: Mapping[str, str],
    findings: Findings,
) -> None:
    """Record a file of syncd's own that is inside a folder: each write would wake the watcher."""
    for resolve in (str, resolved.__getitem__):
        ancestors = set(_ancestors(resolve(file)))
        for name, path in paths.items():
            if resolve(path) in ancestors:
                findings.add_problem(
                    key,
                    f"{quoted(file)} is inside the folder {quoted(name)}",
                    f'write a path outside all folders, such as "{_OUTSIDE[key]}"',
                )
                return


def resolve_links(paths: Iterable[str]) -> Mapping[str, str]:
    """Return each path with all symbolic links resolved.

    A path that does not exist, or whose disk does not respond in time, is returned as written.
    """
    found: dict[str, str] = {}

    def resolve(path: str) -> None:
        found[path] = os.path.realpath(path)

    distinct = set(paths)
    threads = [threading.Thread(target=resolve, args=(path,), daemon=True) for path in distinct]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + RESOLVE_TIMEOUT
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {path: found.get(path, path) for path in distinct}


def _nested(paths: Mapping[FolderName, str]) -> Iterator[tuple[FolderName, FolderName]]:
    """Yield each folder that is inside another or at the path of an earlier one, with that one."""
    by_path: dict[str, FolderName] = {}
    for name, path in paths.items():
        if path in by_path:
            yield name, by_path[path]
        by_path.setdefault(path, name)
    for name, path in paths.items():
        for ancestor in _ancestors(path):
            if ancestor in by_path:
                yield name, by_path[ancestor]
                break


def _ancestors(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path
