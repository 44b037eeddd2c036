"""Which folders lie within each other, by their paths and by where those really lead."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping

from syncd.config.errors import quoted
from syncd.config.reader import Findings
from syncd.config.schema import LedgerConfig
from syncd.model import FolderName


def refuse_overlaps(
    written: Mapping[FolderName, str], led: Mapping[str, str], findings: Findings
) -> None:
    """Note every folder inside another one, as written or where `led` says that a path leads.

    A file belongs to one folder.
    """
    real = {name: led[path] for name, path in written.items()}
    refused: set[FolderName] = set()
    for paths in (written, real):
        for inner, outer in _nested(paths):
            if inner in refused:
                continue
            refused.add(inner)
            links = "" if paths is written else f", by a link ({quoted(real[inner])})"
            relation = "is" if paths[inner] == paths[outer] else "lies inside"
            findings.refuse(
                ("folders", inner, "path"),
                f"{quoted(written[inner])} {relation} the folder {quoted(outer)}"
                f" ({quoted(written[outer])}){links}",
                "write folders that share no file: leave one of the two out, or move it"
                f"; mirrors of {quoted(outer)} bring its images to more accounts",
            )


def refuse_ledger_inside(
    ledger: LedgerConfig,
    written: Mapping[FolderName, str],
    led: Mapping[str, str],
    findings: Findings,
) -> None:
    """Note a ledger in a watched folder: each of its writes would wake the watcher."""
    for resolve in (str, led.__getitem__):
        around = set(_ancestors(resolve(str(ledger.path))))
        for name, path in written.items():
            if resolve(path) in around:
                findings.refuse(
                    ("ledger", "path"),
                    f"{quoted(str(ledger.path))} lies inside the folder {quoted(name)}",
                    'write a place that is not watched, such as "/var/lib/syncd/ledger.db"',
                )
                return


def _nested(paths: Mapping[FolderName, str]) -> Iterator[tuple[FolderName, FolderName]]:
    """Yield each folder that is in another one, or is the same as an earlier one, with that."""
    at: dict[str, FolderName] = {}
    for name, path in paths.items():
        if path in at:
            yield name, at[path]
        at.setdefault(path, name)
    for name, path in paths.items():
        for ancestor in _ancestors(path):
            if ancestor in at:
                yield name, at[ancestor]
                break


def _ancestors(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


PATIENCE = 3.0  # seconds for all of them: a hung file server must not hold up the others' start


def where_they_lead(paths: Iterable[str]) -> Mapping[str, str]:
    """Return each path with every link followed, as far as its disk answers in time.

    What does not exist is left as it is written.
    """
    found: dict[str, str] = {}

    def follow(path: str) -> None:
        found[path] = os.path.realpath(path)

    every = set(paths)
    threads = [threading.Thread(target=follow, args=(path,), daemon=True) for path in every]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return {path: found.get(path, path) for path in every}
