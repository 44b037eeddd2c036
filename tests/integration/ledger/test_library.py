"""The library is read page by page, and each condition selects what it says."""

import asyncio
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection

import msgspec
import pytest

from syncd.ledger import files, folders, library, replicas
from syncd.ledger.database import open_ledger
from syncd.ledger.file import reading
from syncd.ledger.files import Content, Place
from syncd.ledger.library import Work
from syncd.ledger.library_filter import Filter, Ratio, State
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

ONE, TWO = AccountId("1"), AccountId("2")
SHAPES = [("PNG", 1080, 1080), ("JPEG", 1080, 1920), ("JPEG", 1920, 1080)]
COUNT, PAGE, COPY = 90, 7, 21


def digest(number: int) -> Digest:
    return Digest(sha256(b"%d" % number).digest())


def content(number: int) -> Content:
    form, width, height = SHAPES[number % 3]
    return Content(
        digest=digest(number), size=7, format=form, width=width, height=height, unfit=None
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "ledger.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    """Write a ledger: even images are in the folder a, odd ones in b, which feeds 2, too.

    Of each ten, account 1 holds eight, misses one and rejects one. Account 2 holds one copy.
    """
    async with open_ledger(path) as ledger:
        places = [
            await ledger.write(folders.declare(FolderName("a"), b"/a", [ONE])),
            await ledger.write(folders.declare(FolderName("b"), b"/b", [ONE, TWO])),
        ]
        records = [
            (
                Place(places[number % 2], b"sub", b"Summer_100%%_%d.png" % number),
                Stat(device=1, inode=2, size=7, mtime_ns=number * 10**9, ctime_ns=5),
                content(number),
            )
            for number in range(COUNT)
        ]
        await ledger.write(files.record_all(records))
        held = [
            (digest(n), Entry(hash=ImageHash(f"{n:06}hash"))) for n in range(COUNT) if n % 10 < 8
        ]
        await ledger.write(replicas.record_held(ONE, held, 1.0))
        copied = [(digest(COPY), Entry(hash=ImageHash("copy")))]
        await ledger.write(replicas.record_held(TWO, copied, 1.0, source=ONE))
        for number in range(9, COUNT, 10):
            await ledger.write(replicas.record_rejected(ONE, digest(number), "too large"))


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    with reading(path) as db:
        yield db


def numbers(db: Connection, wanted: Filter, work: Work) -> list[int]:
    """Return all images that are listed, page by page, each as the number of its file."""
    found: list[int] = []
    after = None
    while True:
        page = library.page(wanted, after, PAGE, work)(db)
        assert len(page.images) <= PAGE
        found += [int(card.files[0].name.split(b"_")[-1][:-4]) for card in page.images]
        if page.after is None:
            return found
        assert after is None or page.after < after
        after = page.after


NEWEST_FIRST = list(reversed(range(COUNT)))

SELECTED: dict[str, tuple[Filter, Callable[[int], bool]]] = {
    "nothing": (Filter(), lambda n: True),
    "folder": (Filter(folder="b"), lambda n: n % 2 == 1),
    "unknown folder": (Filter(folder="unknown"), lambda n: False),
    "account": (Filter(account=TWO), lambda n: n % 2 == 1),
    "held": (Filter(state=State.HELD), lambda n: n % 10 < 8),
    "held in 2": (Filter(state=State.HELD, account=TWO), lambda n: n == COPY),
    "copied": (Filter(state=State.COPIED), lambda n: n == COPY),
    "copied in 1": (Filter(state=State.COPIED, account=ONE), lambda n: False),
    "missing in 1": (Filter(state=State.MISSING, account=ONE), lambda n: n % 10 == 8),
    "missing": (Filter(state=State.MISSING), lambda n: n % 10 == 8 or (n % 2 == 1 and n != COPY)),
    "rejected": (Filter(state=State.REJECTED), lambda n: n % 10 == 9),
    "rejected in 2": (Filter(state=State.REJECTED, account=TWO), lambda n: False),
    "format": (Filter(format="JPEG"), lambda n: n % 3 != 0),
    "format in folder": (Filter(format="JPEG", folder="a"), lambda n: n % 3 != 0 and n % 2 == 0),
    "ratio": (Filter(ratio=Ratio(0.5, 0.6)), lambda n: n % 3 == 1),
    "pixels": (Filter(pixels=(1920, 1080)), lambda n: n % 3 == 2),
    "time": (Filter(since=10.0, until=20.0), lambda n: 10 <= n < 20),
    "name": (Filter(text="summer_100%_4"), lambda n: n == 4 or n // 10 == 4),
    "no wildcard": (Filter(text="summer%4"), lambda n: False),
    "one file": (
        Filter(text="_4", folder="a", since=41.0),
        lambda n: n // 10 == 4 and n % 2 == 0 and n > 41,
    ),
    "digest": (Filter(text=digest(7).hex()[:8].upper()), lambda n: n == 7),
    "hash": (Filter(text="000012"), lambda n: n == 12),
    "hash and format": (Filter(text="000012hash", format="JPEG"), lambda n: False),
}


@pytest.mark.parametrize(
    "work", [Work(), Work(examined=11, scanned=13, few=3)], ids=["few", "many"]
)
@pytest.mark.parametrize("what", SELECTED)
def test_a_condition_selects_each_image_that_meets_it_once(
    db: Connection, what: str, work: Work
) -> None:
    wanted, is_selected = SELECTED[what]
    assert numbers(db, wanted, work) == [n for n in NEWEST_FIRST if is_selected(n)]


def reads(db: Connection, wanted: Filter, work: Work) -> int:
    """Return how many reads a whole listing takes."""
    count, page = 1, library.page(wanted, None, PAGE, work)(db)
    while page.after is not None:
        count, page = count + 1, library.page(wanted, page.after, PAGE, work)(db)
    return count


@pytest.mark.parametrize(
    "wanted",
    [Filter(until=5.0), Filter(since=COUNT - 3), Filter(text="_1.png", since=0.0)],
)
def test_few_images_are_found_without_examining_all(db: Connection, wanted: Filter) -> None:
    assert reads(db, wanted, Work(examined=1, few=PAGE)) == 1


def test_conditions_on_images_alone_examine_more_images_than_others(db: Connection) -> None:
    work = Work(examined=1, scanned=COUNT, few=3)
    assert reads(db, Filter(format="BMP"), work) == 1
    assert reads(db, Filter(format="BMP", account=ONE), work) == COUNT


def test_a_card_has_the_file_and_the_state_in_each_account(db: Connection) -> None:
    (card,) = library.page(Filter(text="_17.png"), None, 60)(db).images
    assert card.digest == digest(17)
    assert (card.format, card.width, card.height, card.file_count) == ("JPEG", 1920, 1080, 1)
    assert [(file.folder, file.directory, file.name) for file in card.files] == [
        ("b", b"sub", b"Summer_100%_17.png")
    ]
    assert [(one.account, one.state, one.hash) for one in card.replicas] == [
        (ONE, State.HELD, "000017hash"),
        (TWO, State.MISSING, None),
    ]


def test_a_rejected_image_has_the_reason(db: Connection) -> None:
    (card,) = library.page(Filter(text="_19.png"), None, 60)(db).images
    assert [msgspec.to_builtins(one) for one in card.replicas if one.account == ONE] == [
        {"account": "1", "state": "rejected", "copied_from": None, "hash": None, "why": "too large"}
    ]


async def test_an_image_is_copied_until_the_account_has_it_by_an_upload(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db") as ledger:
        folder = await ledger.write(folders.declare(FolderName("a"), b"/a", [ONE, TWO]))
        stat = Stat(device=1, inode=2, size=7, mtime_ns=3, ctime_ns=5)
        place = Place(folder, b"", b"a.png")
        await ledger.write(files.record_all([(place, stat, content(1))]))
        held, image_hash = digest(1), ImageHash("aa")

        async def state() -> tuple[State, AccountId | None]:
            (found,) = (await ledger.read(library.page(Filter(), None, 1))).images
            return found.replicas[1].state, found.replicas[1].copied_from

        entry = [(held, Entry(hash=image_hash))]
        await ledger.write(replicas.record_held(TWO, entry, 1.0, source=ONE))
        assert await state() == (State.COPIED, ONE)
        await ledger.write(replicas.record_not_held(TWO, image_hash))
        assert await state() == (State.MISSING, None)
        await ledger.write(replicas.record_held(TWO, entry, 1.0))
        assert await state() == (State.HELD, None)


def test_the_ids_of_known_images_are_in_the_order_of_the_request(db: Connection) -> None:
    first, second = library.ids([digest(5), digest(1000), digest(3)])(db)
    assert [card.digest for card in library.cards([first, second])(db)] == [digest(5), digest(3)]


def test_the_source_of_an_image_has_the_size_and_time_of_its_file(db: Connection) -> None:
    (found,) = library.sources(digest(5))(db)
    assert (found.root, found.directory, found.name) == (b"/b", b"sub", b"Summer_100%_5.png")
    assert (found.size, found.mtime_ns) == (7, 5 * 10**9)
