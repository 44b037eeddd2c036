"""A folder on disk and a ledger next to it, for tests of walks."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import stat_of
from syncd.folders.scanning.scan import Stretch, Walk
from syncd.folders.scanning.scan_pool import WORKERS_AFTER
from syncd.folders.scanning.walk import FolderTree
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.ledger import directories, files, folders
from syncd.ledger.database import open_ledger
from syncd.ledger.directories import Renumbered
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat

IMAGES = Patterns(["*.jpg"], ["drafts/"])


def tree_of(root: Path | bytes, folder_id: int = 1, patterns: Patterns = IMAGES) -> FolderTree:
    return FolderTree(
        folder_id=folder_id, name=FolderName("a"), root=os.fsencode(root), patterns=patterns
    )


class Scene:
    """A folder on disk and a ledger next to it."""

    def __init__(self, path: Path) -> None:
        self.root = path / "folder"
        self.root.mkdir()
        self.ledger = path / "ledger.db"
        asyncio.run(_create(self.ledger))
        self.db = sqlite3.connect(self.ledger, isolation_level=None)
        declare = folders.declare(FolderName("a"), b"/a", [AccountId("1")])
        self.folder = declare(self.db)

    @property
    def tree(self) -> FolderTree:
        return tree_of(self.root, self.folder)

    def put(self, *names: bytes) -> None:
        for name in names:
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(name)

    def path(self, name: bytes) -> bytes:
        return os.path.join(os.fsencode(self.root), name)

    def record(self, *names: bytes) -> None:
        """Record files and their directories in the ledger as they are now."""
        self.db.execute("BEGIN")
        for name in names:
            directory, _, own = name.rpartition(b"/")
            content = Content(
                digest=Digest(bytes(32)), size=7, format="JPEG", width=1, height=1, unfit=None
            )
            stat = stat_of(os.stat(self.path(name)))
            files.record_all([(Place(self.folder, directory, own), stat, content)])(self.db)
        paths = [path for (path,) in self.db.execute("SELECT path FROM directory").fetchall()]
        found = [
            Renumbered(path, os.stat(self.path(path)).st_ino, same=True)
            for path in paths
            if os.path.isdir(self.path(path))
        ]
        directories.note_renumbered(self.folder, 0, found)(self.db)
        directories.record_same(self.folder, 0)(self.db)
        directories.forget_renumbered(0)(self.db)
        self.db.execute("COMMIT")

    def record_trouble(self, name: bytes, stat: Stat) -> None:
        files.record_all([(Place(self.folder, b"", name), stat, "why")])(self.db)

    def walk(self, *targets: ScanTarget, workers_after: int = WORKERS_AFTER) -> Walk:
        return Walk(self.ledger, self.tree, targets or [EVERYWHERE], workers_after=workers_after)

    def scan(self, *targets: ScanTarget) -> Stretch:
        return to_the_end(self.walk(*targets))

    def missed(self, stretch: Stretch) -> list[bytes]:
        """Return the paths of missed files and directories, the latter with a final slash."""
        paths = dict(self.db.execute("SELECT id, path FROM directory"))
        missed_files = [
            os.path.join(paths[missed.directory_id], name)
            for missed in stretch.missed
            for name in missed.files
        ]
        return sorted(
            missed_files
            + [paths[i] + b"/" for missed in stretch.missed for i in missed.directories]
        )


async def _create(ledger: Path) -> None:
    async with open_ledger(ledger):
        pass


def to_the_end(walk: Walk) -> Stretch:
    """Walk to the end; return all stretches as one."""
    whole = Stretch()
    with closing(walk):
        while (stretch := walk.stretch()) is not None:
            whole.found += stretch.found
            whole.missed += stretch.missed
            whole.troubles += stretch.troubles
            whole.seen += stretch.seen
    return whole


def found(stretch: Stretch) -> list[bytes]:
    return sorted(place.path for place, _ in stretch.found)


@contextmanager
def unprivileged_directory() -> Iterator[bytes]:
    """Become a user for whom permissions count, as they do not for root, with a directory."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        with tempfile.TemporaryDirectory() as place:
            yield os.fsencode(place)
    finally:
        os.seteuid(before)
