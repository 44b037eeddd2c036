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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # when this file is run

from support.pictures import picture
from support.readme import README

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

COLUMNS = 100
_TERMINAL = 120  # columns for the log: wide enough for the directory that is removed from it
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
path = "{root}/srv/creatives/spring"
account = "main"
mirrors = ["eu"]

[watch]
settle = "0s"
"""


async def samples(root: Path) -> dict[str, str]:
    """Return the text of each sample by its name; the commands work in an empty directory."""
    folder = root / "srv/creatives/spring"
    folder.mkdir(parents=True)
    for number, name in enumerate(("summer_1x1.jpg", "summer_9x16.jpg", "summer_16x9.jpg")):
        (folder / name).write_bytes(picture(number))
    (folder / "draft.webp").write_bytes(b"RIFF")
    async with Sandbox(Switches(tier="standard")) as sandbox:
        config = root / "config.toml"
        config.write_text(_CONFIG.format(url=sandbox.url, root=root))
        shell = _Shell(root, sandbox.token)
        return {
            "plan": await shell.prints("plan"),
            "backfill": await shell.prints("backfill"),
            "status": await shell.prints("status"),
            "find": await shell.prints("find", "summer_9x16.jpg"),
            "history": await shell.prints("log", "summer_9x16.jpg"),
            "log": await shell.logs(folder / "teaser.jpg", "image.held", "image.copied"),
        }


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

    async def logs(self, new: Path, *events: str) -> str:
        """Return the records of some events while the daemon uploads the file `new`."""
        reading, writing = os.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _TERMINAL, 0, 0))
        environ = {name: value for name, value in self._environ.items() if name != "COLUMNS"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd", "run", env=environ, stdout=writing, stderr=writing
        )
        os.close(writing)
        try:
            before = await _read_until(reading, "scan.done")
            new.write_bytes(picture(9))
            after = await _read_until(reading, *(f"{event} " for event in events), new.name)
        finally:
            process.terminate()
            await process.wait()
            os.close(reading)
        records = re.findall(r"^\d.*\n(?: .*\n)*", after.replace("\r", ""), re.MULTILINE)
        assert before
        chosen = [one for one in records if any(event in one for event in events)]
        return "".join(chosen).replace(str(self._root), "")


async def _read_until(terminal: int, *words: str) -> str:
    """Return what a terminal shows, up to the first whole line after all the words."""
    text = ""
    async with asyncio.timeout(_DEADLINE):
        while not (all(word in text for word in words) and text.endswith("\n")):
            text += (await asyncio.to_thread(os.read, terminal, 65_536)).decode()
    return text


def shown(readme: str) -> dict[str, str]:
    """Return the samples that the text of a README contains."""
    return dict(re.findall(r"<!-- sample (\w+) -->\n+```\w*\n(.*?)```", readme, re.DOTALL))


def replaced(readme: str, made: dict[str, str]) -> str:
    """Return the text of a README with new samples."""
    for name, old in shown(readme).items():
        readme = readme.replace(old, made[name])
    return readme


def without_numbers(text: str) -> str:
    """Return a text in which numbers, times and the widths of columns no longer differ."""
    text = re.sub(r"[0-9a-f]{32,}", "HASH", text)
    return re.sub(r"[ ─]+", " ", re.sub(r"\d+(?:[.,:\-]\d+)*", "0", text))


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = asyncio.run(samples(Path(directory)))
    README.write_text(replaced(README.read_text("utf-8"), made), "utf-8")


if __name__ == "__main__":
    main()
