"""The outputs that README.md shows, made by the commands themselves.

`.venv/bin/python tests/support/samples.py` writes them into README.md; a test compares them, apart
from numbers, with what the commands print.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import tempfile
import termios
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # when this file is run

from support.pictures import picture
from support.readme import README

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

COLUMNS = 100
_TERMINAL = 120  # columns for the log: wide enough for the directory that is removed from it
_SAMPLE = re.compile(
    r"(?P<head><!-- sample (?P<name>\w+) -->\n+```\w+\n)(?P<text>.*?)```", re.DOTALL
)
_DEADLINE = 60.0  # seconds for one command
_CONFIG = """
[graph]
base_url = "{url}"
token = {{ env = "SYNCD_TEST_TOKEN" }}

[ledger]
path = "{root}/ledger.db"

[accounts.main]
id = "act_1234567890"

[accounts.eu]
id = "act_2345678901"

[folders.spring]
path = "{root}/srv/spring"
account = "main"
mirrors = ["eu"]

[watch]
settle = "0s"
"""


async def samples() -> dict[str, str]:
    """Return the text of each sample by its name.

    The commands work in a directory with a short name, so that the log does not shorten its paths.
    """
    with tempfile.TemporaryDirectory() as directory:
        return await _samples(Path(directory))


async def _samples(root: Path) -> dict[str, str]:
    folder = root / "srv/spring"
    folder.mkdir(parents=True)
    for number, name in enumerate(("hero_1x1.jpg", "hero_9x16.jpg", "hero_16x9.jpg")):
        (folder / name).write_bytes(picture(number))
    (folder / "draft.webp").write_bytes(b"RIFF")
    async with Sandbox(Switches(tier="standard")) as sandbox:
        config = root / "config.toml"
        config.write_text(_CONFIG.format(url=sandbox.url, root=root))
        shell = _Shell(root, sandbox.token)
        made = {"plan": await shell.prints("plan", "--account", "main")}
        async with shell.daemon() as daemon:
            await daemon.read_until("image.held", "eu")
            (folder / "teaser.jpg").write_bytes(picture(9))
            made["log"] = await daemon.records_until("teaser.jpg", "account=main", "image.copied ")
            made["status"] = await shell.prints_without("not scanned yet", "status")
            made["find"] = await shell.prints("find", "hero_9x16.jpg")
            made["history"] = await shell.prints("log", "hero_9x16.jpg")
        return made


class _Shell:
    """A shell in which each sample is run."""

    def __init__(self, root: Path, token: str) -> None:
        self._root = root
        self._environ = {
            **os.environ,
            "SYNCD_CONFIG": str(root / "config.toml"),
            "SYNCD_TEST_TOKEN": token,
            "COLUMNS": str(COLUMNS),
            "NO_COLOR": "1",
        }

    async def prints(self, *words: str) -> str:
        """Return a command and what it prints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd", *words, env=self._environ, stdout=PIPE, stderr=DEVNULL
        )
        async with asyncio.timeout(_DEADLINE):
            out, _ = await process.communicate()
        text = out.decode().replace(str(self._root), "")
        return f"$ syncd {' '.join(words)}\n{text}"

    async def prints_without(self, words: str, *command: str) -> str:
        """Return a command and what it prints as soon as that lacks these words."""
        async with asyncio.timeout(_DEADLINE):
            while words in (text := await self.prints(*command)):
                pass
        return text

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[_Terminal]:
        """Run the daemon on a terminal during the block."""
        reading, writing = os.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _TERMINAL, 0, 0))
        environ = {name: value for name, value in self._environ.items() if name != "COLUMNS"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd", "run", env=environ, stdout=writing, stderr=writing
        )
        os.close(writing)
        try:
            yield _Terminal(reading, self._root)
        finally:
            process.terminate()
            await process.wait()
            os.close(reading)


class _Terminal:
    """The terminal on which a daemon logs."""

    def __init__(self, reading: int, root: Path) -> None:
        self._reading = reading
        self._root = root

    async def read_until(self, *words: str) -> str:
        """Return what is shown, up to the first whole line after all the words."""
        text = ""
        async with asyncio.timeout(_DEADLINE):
            while not (all(word in text for word in words) and text.endswith("\n")):
                text += (await asyncio.to_thread(os.read, self._reading, 65_536)).decode()
        return text.replace("\r", "")

    async def records_until(self, file: str, *events: str) -> str:
        """Return the records of a file, once it has these events."""
        text = await self.read_until(file, *events)
        records = re.findall(r"^\d.*\n(?: .*\n)*", text, re.MULTILINE)
        return "".join(one for one in records if file in one).replace(str(self._root), "")


def shown(readme: str) -> dict[str, str]:
    """Return the samples that the text of a README contains, by name."""
    return {found["name"]: found["text"] for found in _SAMPLE.finditer(readme)}


def replaced(readme: str, made: dict[str, str]) -> str:
    """Return the text of a README with new samples."""
    return _SAMPLE.sub(lambda found: f"{found['head']}{made[found['name']]}```", readme)


def without_numbers(text: str) -> str:
    """Return a text in which numbers, times and the widths of columns no longer differ."""
    text = re.sub(r", last activity .*? ago", "", text)  # its first version has none
    text = re.sub(r"[0-9a-f]{32,}", "HASH", text)
    return re.sub(r"[ ─]+", " ", re.sub(r"\d+(?:[.,:\-]\d+)*", "0", text))


def main() -> None:
    made = asyncio.run(samples())
    README.write_text(replaced(README.read_text("utf-8"), made), "utf-8")


if __name__ == "__main__":
    main()
