"""The stage: a temporary directory with folders and a configuration, a sandbox, and a voice."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from syncd.cli.console import amount
from syncd.demo.journal import Journal
from syncd.demo.pictures import names, picture
from syncd.ledger import queries
from syncd.ledger.database import reading
from syncd.ledger.queries import FileState
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

ACCOUNTS = {"1234567890": "main", "9876543210": "eu"}
MAIN, EU = ACCOUNTS

PICTURES = 40
_IN_SPRING = 30

THROTTLE = 2.0  # seconds
_TIME_SCALE = 300 / THROTTLE  # of the API's five minutes: its headers then tell of THROTTLE

_DEADLINE = 15.0  # seconds for what is promised
_GLANCE = 0.02

_CONFIG = """\
[graph]
base_url = "{url}"
token = {{ file = "{root}/token" }}

[ledger]
path = "{root}/ledger.db"

[accounts.main]
id = "act_{main}"
workers = 2
budget = {{ window = "{window}s", calls_window = "{hour}s" }}

[accounts.eu]
id = "act_{eu}"
workers = 2
budget = {{ window = "{window}s", calls_window = "{hour}s" }}

[folders.spring]
path = "{root}/spring"
account = "main"

[folders.summer]
path = "{root}/summer"
account = "main"
mirrors = ["eu"]

[watch]
settle = "300ms"

[pack]
images = 5
"""


class DemoFailed(Exception):
    """Something that the demo promised did not come true."""


class Stage:
    """What the scenes play on."""

    def __init__(self, root: Path, sandbox: Sandbox, console: Console, journal: Journal) -> None:
        self.root = root
        self.config = root / "config.toml"
        self.sandbox = sandbox
        self.console = console
        self.journal = journal
        self.alive: Callable[[], bool] = lambda: True
        """Whether the process still runs that is to keep the promises."""
        self._calls = 0

    def say(self, sentence: str) -> None:
        """Announce a scene."""
        self._calls = self.sandbox.counts.calls()
        self.journal.mark()
        self.console.print()
        self.console.print(Text("▸ ", "bold cyan") + Text(sentence, "bold"))

    def tell(self, words: str) -> None:
        """Say what came of it."""
        self.console.print(Text(f"  {words}", "green"))

    def command(self, name: str) -> list[str]:
        """Show a command as a person types it; returns its arguments."""
        arguments = [name, "--config", str(self.config)]
        self.console.print(Text(f"$ syncd {' '.join(arguments)}", "dim"), soft_wrap=True)
        return arguments

    @property
    def calls(self) -> str:
        """The calls since the scene began, in words."""
        return amount(self.sandbox.counts.calls() - self._calls, "call")

    async def breathe(self, seconds: float) -> None:
        """Leave the reader's eyes some time, where there are any."""
        if self.console.is_terminal:
            await asyncio.sleep(seconds)

    async def until(self, promise: str, kept: Callable[[], bool]) -> None:
        """Wait until a promise is kept; raises Unkept."""
        deadline = time.monotonic() + _DEADLINE
        while not kept():
            if not self.alive():
                raise DemoFailed(f"{promise}: the daemon has ended")
            if time.monotonic() > deadline:
                raise DemoFailed(f"{promise}: not within {_DEADLINE:.0f} s")
            await asyncio.sleep(_GLANCE)

    def known(self) -> list[FileState]:
        """Return all that the ledger knows."""
        with reading(self.root / "ledger.db") as db:
            return queries.all_files(10_000)(db)

    def holders(self, file: str) -> set[str]:
        """Return the accounts that hold a file's image by the ledger and by their own word."""
        folder, _, name = file.partition("/")
        with reading(self.root / "ledger.db") as db:
            rows = queries.by_path(folder, b"", name.encode())(db)
        return {
            row.account
            for row in rows
            if row.account and row.hash and self.sandbox.library.find(row.account, row.hash)
        }


@contextlib.asynccontextmanager
async def set_up(console: Console) -> AsyncIterator[Stage]:
    """Build everything; nothing of it is left afterwards."""
    switches = Switches(time_scale=_TIME_SCALE, ad_account_usage="sent")
    with tempfile.TemporaryDirectory(prefix="syncd-demo-") as name:
        root = Path(name)
        for number, file in enumerate(names(PICTURES)):
            folder = root / ("spring" if number < _IN_SPRING else "summer")
            folder.mkdir(exist_ok=True)
            (folder / file).write_bytes(picture(file))
        with (root / "daemon.log").open("w", encoding="utf-8") as log:
            async with Sandbox(switches, accounts=ACCOUNTS) as sandbox:
                token = root / "token"
                token.touch(0o600)
                token.write_text(sandbox.token)
                config = _CONFIG.format(
                    url=sandbox.url,
                    root=root,
                    main=MAIN,
                    eu=EU,
                    window=THROTTLE,
                    hour=3600 / _TIME_SCALE,
                )
                (root / "config.toml").write_text(config)
                yield Stage(root, sandbox, console, Journal(console, log, root))
