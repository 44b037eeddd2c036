"""Families are listed page by page: each once, with all its files and its missing ratios."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection

import pytest

from syncd.ledger import families, files, folders
from syncd.ledger.database import open_ledger
from syncd.ledger.file import reading
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, Stat
from syncd.rules.family import member

STAT = Stat(device=1, inode=2, size=7, mtime_ns=3, ctime_ns=5)
DIRECTORIES = [("a", b""), ("a", b"sub"), ("a", b"sub/deep"), ("b", b"")]

Where = tuple[str, bytes]


def names() -> dict[Where, list[str]]:
    """Return names of several cases and separators, with and without a ratio."""
    chance = random.Random(11)
    motifs = ["summer", "Summer", "SUMMER sale", "summer sale", "winter", "w", "été", "no"]
    endings = ["_1x1", "_9x16", "-9x16", " horizontal", "_vertical", ""]
    return {
        where: [
            f"{motif}{ending}.png"
            for motif in motifs
            for ending in endings
            if chance.random() < 0.6
        ]
        for where in DIRECTORIES
    }


NAMES = names()


def expected(folder: str = "", part: str = "") -> dict[tuple[Where, str], list[str]]:
    found: dict[tuple[Where, str], list[str]] = defaultdict(list)
    for where, of_directory in NAMES.items():
        for name in of_directory:
            own = member(name)
            if own and folder in ("", where[0]) and part in own.motif:
                found[where, own.motif].append(name)
    return {key: sorted(one, key=str.encode) for key, one in found.items()}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families") / "ledger.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    async with open_ledger(path) as ledger:
        ids = {
            name: await ledger.write(
                folders.declare(FolderName(name), f"/{name}".encode(), [AccountId("1")])
            )
            for name in ("a", "b")
        }
        records = [
            (
                Place(ids[folder], directory, name.encode()),
                STAT,
                content(f"{folder}{directory!r}{name}"),
            )
            for (folder, directory), of_directory in NAMES.items()
            for name in of_directory
        ]
        await ledger.write(files.record_all(records))


def content(text: str) -> Content:
    digest = Digest(sha256(text.encode()).digest())
    return Content(digest=digest, size=7, format="PNG", width=1, height=1, unfit=None)


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    with reading(path) as db:
        yield db


def listed(
    db: Connection, folder: str, part: str, limit: int, examined: int
) -> list[tuple[tuple[Where, str], list[str]]]:
    found: list[tuple[tuple[Where, str], list[str]]] = []
    after = None
    while True:
        page = families.page(folder, part, after, limit, examined)(db)
        assert len(page.families) <= limit
        for one in page.families:
            of_family = [file.name.decode() for file in one.files]
            found.append((((one.folder, one.directory), one.motif), of_family))
        if page.after is None:
            return found
        assert page.after != after
        after = page.after


@pytest.mark.parametrize(("limit", "examined"), [(1, 1000), (3, 2), (100, 2), (100, 1000)])
@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("", ""),
        ("a", ""),
        ("b", ""),
        ("", "summer"),
        ("a", "sale"),
        ("", "w"),
        ("c", ""),
        ("", "x"),
    ],
)
def test_each_family_is_listed_once_with_its_files(
    db: Connection, folder: str, part: str, limit: int, examined: int
) -> None:
    found = listed(db, folder, part, limit, examined)
    assert len(found) == len({key for key, _ in found})
    assert dict(found) == expected(folder, part)


def test_the_ratios_that_other_motifs_of_the_directory_have_are_missing(db: Connection) -> None:
    (one,) = (one for one in families.page("b", "winter", None, 9)(db).families)
    has = {m.ratio for name in NAMES["b", b""] if (m := member(name)) and m.motif == "winter"}
    there = {m.ratio for name in NAMES["b", b""] if (m := member(name))}
    assert set(one.ratios.present) == has
    assert set(one.ratios.missing) == there - has
    name = one.files[0].name
    assert families.of_file("b", b"", name)(db) == one.ratios
    assert families.of_file("b", b"", b"no.png")(db) is None
    assert families.of_file("c", b"", name)(db) is None
