"""A library of real pictures, with hostile names, served on loopback."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from support.process import syncd
from support.rig import Rig

from syncd.config import Secret
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
