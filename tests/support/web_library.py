"""A library of real pictures, with hostile names, served on loopback."""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image
from support.process import syncd
from support.rig import Rig

from syncd.config import Secret
from syncd.folders.safe_open import stat_of
from syncd.ledger import files, folders, replicas
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place
from syncd.ledger.statements import write
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash
from syncd.sandbox.server import Sandbox
from syncd.web.access import Access
from syncd.web.app import App
from syncd.web.server import Server

MARKUP = '<img src=x onerror="alert(1)">_1x1.png'
FORMULA = "=cmd|calc_1x1.png"
HOSTILE = [MARKUP, FORMULA, "gnp.\u202egpj_1x1.png", "two\nlines.png", "صيف_1x1.png"]
"""Names with markup, a formula, a right-to-left override, a control character, and Arabic."""

SIZES = {"1x1": (60, 60), "9x16": (54, 96), "horizontal": (96, 50)}


def picture(number: int, size: tuple[int, int]) -> bytes:
    """Return a picture of one colour; two numbers never have the same."""
    colour = (number * 67 % 256, number * 131 % 256, number)
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@asynccontextmanager
async def served(rig: Rig, password: str | None = None) -> AsyncIterator[str]:
    """Serve the library of a rig; yield the URL without a slash at its end."""
    secret = None if password is None else Secret(password)
    config = rig.config()
    access = Access(secret, time.time, config.web.hosts)
    app = App(config, rig.path / "config.toml", access)
    async with Server(app, "127.0.0.1", 0, config.web.proxies) as server:
        yield server.url.rstrip("/")


async def fill(path: Path) -> Rig:
    """Return a folder whose images two accounts hold; 80 of them are `plain`."""
    async with Sandbox() as sandbox:
        rig = Rig(path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
        for number in range(80):
            rig.write(f"plain/{number:02}.png", picture(number, (20, 20)))
        for number, name in enumerate(HOSTILE, 100):
            rig.write(f"odd/{name}", picture(number, (60, 60)))
        names = [f"summer_{ratio}" for ratio in SIZES] + ["winter_1x1"]
        for number, name in enumerate(names, 200):
            rig.write(f"{name}.png", picture(number, SIZES[name.rpartition("_")[2]]))
        rig.write("again/summer_1x1.png", picture(200, SIZES["1x1"]))
        ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
        assert ended.code == 0, ended.err
    return rig


async def crowd(path: Path, accounts: int, images: int = 12) -> Rig:
    """Return a library of pictures with long names that many accounts hold, miss or reject.

    The first account holds all, the second has copies; of the others each third misses or rejects
    an image. No call has made it so.
    """
    async with Sandbox() as sandbox:
        rig = Rig(path, sandbox, accounts={_account(n): str(n + 1) for n in range(accounts)})
    ids = [AccountId(number) for number in rig.accounts.values()]
    rig.write("skipped.webp", b"a format that is not sent")
    records, digests = [], []
    async with open_ledger(rig.ledger) as ledger:
        folder = await ledger.write(folders.declare(FolderName("spring"), bytes(rig.folder), ids))
        for number in range(images):
            shape = list(SIZES)[number % 3]
            motif = "autumn" + ("-collection" * 16 if number % 12 == 0 else f"-{number // 3}")
            content = picture(number, SIZES[shape])
            file = rig.write(f"{motif}_{shape}.png", content)
            digests.append(Digest(sha256(content).digest()))
            found = Content(
                digest=digests[-1],
                size=len(content),
                format="PNG",
                width=SIZES[shape][0],
                height=SIZES[shape][1],
                unfit=None,
            )
            place = Place(folder, b"", file.name.encode())
            records.append((place, stat_of(file.stat()), found))
        await ledger.write(files.record_all(records))
        for number, account in enumerate(ids):
            await ledger.write(_state(account, number, digests, ids[0]))
    return rig


def _account(number: int) -> str:
    name = "an-account-with-a-name-as-long-as-its-card" if number % 5 == 2 else "shop"
    return f"{name}-{number + 1}"


@write
def _state(
    db: sqlite3.Connection,
    account: AccountId,
    number: int,
    digests: Sequence[Digest],
    first: AccountId,
) -> None:
    """Record what an account has of images."""
    source = first if number == 1 else None
    for image, digest in enumerate(digests):
        entry = Entry(hash=ImageHash(digest.hex()[:32]), name=f"{image}.png")
        if number < 2 or (number + image) % 3 == 0:
            replicas.record_held(account, [(digest, entry)], 1.0, source=source)(db)
        elif (number + image) % 3 == 1:
            replicas.record_rejected(account, digest, "100/1487390: the image is invalid")(db)
