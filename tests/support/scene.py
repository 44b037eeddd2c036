"""A folder on disk and a ledger beside it, for tests of walks."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import stat_of
from syncd.folders.scanning.scan import SCOUTS_AFTER, Stretch, Walk
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.ledger import files, folders
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat

IMAGES = Patterns(["*.jpg"], ["drafts/"])


class Scene:
    """A folder on disk and a ledger beside it."""

    def __init__(self, path: Path) -> None:
        self.root = path / "folder"
        self.root.mkdir()
        self.ledger = path / "ledger.db"
        asyncio.run(_make(self.ledger))
        self.db = sqlite3.connect(self.ledger, isolation_level=None)
        declare = folders.declare(FolderName("a"), b"/a", [AccountId("1")])
        self.folder = declare(self.db)

    def put(self, *names: bytes) -> None:
        for name in names:
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(name)

    def path(self, name: bytes) -> bytes:
        return os.path.join(os.fsencode(self.root), name)

    def record(self, *names: bytes) -> None:
        """Write files down as they are now."""
        self.db.execute("BEGIN")
        for name in names:
            directory, _, own = name.rpartition(b"/")
            content = Content(
                digest=Digest(bytes(32)), size=7, format="JPEG", width=1, height=1, unfit=None
            )
            stat = stat_of(os.stat(self.path(name)))
            files.record_all([(Place(self.folder, directory, own), stat, content)])(self.db)
        self.db.execute("COMMIT")

    def record_trouble(self, name: bytes, stat: Stat) -> None:
        files.record_all([(Place(self.folder, b"", name), stat, "why")])(self.db)

    def walk(self, *looks: ScanTarget, scouts_after: int = SCOUTS_AFTER) -> Walk:
        root, wanted = os.fsencode(self.root), looks or [EVERYWHERE]
        return Walk(self.ledger, self.folder, root, IMAGES, wanted, scouts_after=scouts_after)

    def scan(self, *looks: ScanTarget) -> Stretch:
        return to_the_end(self.walk(*looks))

    def missed(self, stretch: Stretch) -> list[bytes]:
        """Return the paths of missed files and directories, those with a slash behind them."""
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


async def _make(ledger: Path) -> None:
    async with open_ledger(ledger):
        pass


def to_the_end(walk: Walk) -> Stretch:
    """Walk on to the end; answers all stretches as one."""
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
