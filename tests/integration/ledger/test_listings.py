"""The lists of files are read page by page, and are complete."""

from hashlib import sha256
from pathlib import Path

import pytest

from syncd.ledger import files, folders, listings, replicas
from syncd.ledger.database import open_ledger
from syncd.ledger.file import changing, reading
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat

ONE = AccountId("1")
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)
FILES = 2 * listings.PAGE + 7


def digest(number: int) -> Digest:
    return Digest(sha256(b"%d" % number).digest())


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    async with open_ledger(path) as opened:
        folder = await opened.write(folders.declare(FolderName("a"), b"/a", [ONE]))
        records = [
            (
                Place(folder, b"d%d" % (number % 3), b"%d.png" % number),
                STAT,
                Content(digest=digest(number), size=7, format="PNG", width=1, height=1, unfit=None),
            )
            for number in range(FILES)
        ]
        await opened.write(files.record_all(records))
    return path


PATHS = {b"/a/d%d/%d.png" % (number % 3, number) for number in range(FILES)}


def test_every_missing_file_is_listed_once(ledger: Path) -> None:
    with reading(ledger) as db:
        found = [file.path for file in listings.missing(db, ONE)]
    assert len(found) == FILES
    assert set(found) == PATHS


async def test_every_rejected_file_is_listed_once_in_the_order_of_the_reasons(ledger: Path) -> None:
    async with open_ledger(ledger) as opened:
        for number in range(FILES):
            why = f"reason {number % 2}"
            await opened.write(replicas.record_rejected(ONE, digest(number), why))
    with reading(ledger) as db:
        found = list(listings.rejected(db, ONE))
        assert list(listings.missing(db, ONE)) == []
    assert {file.path for file in found} == PATHS
    assert len(found) == FILES
    assert [file.reason for file in found] == sorted(str(file.reason) for file in found)


def test_a_page_whose_images_have_no_file_does_not_end_the_list(ledger: Path) -> None:
    with reading(ledger) as db:
        first, _ = listings.missing_page(ONE, (-1, -1), listings.PAGE)(db)
    with changing(ledger) as db:
        db.executemany("DELETE FROM file WHERE name = ?", [(file.name,) for file in first])
    with reading(ledger) as db:
        assert len(list(listings.missing(db, ONE))) == FILES - listings.PAGE
