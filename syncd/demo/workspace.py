"""The demo's workspace: a temporary directory with folders and configuration, and a sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from syncd.demo.daemon_log import DaemonLog
from syncd.demo.pictures import names, picture
from syncd.ledger import queries
from syncd.ledger.file import reading
from syncd.ledger.queries import FileState
from syncd.rules.forecast import amount
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

ACCOUNTS = {"1234567890": "main", "9876543210": "eu"}
MAIN, EU = ACCOUNTS

PICTURES = 40
_IN_SPRING = 30

THROTTLE = 2.0  # seconds
_TIME_SCALE = 300 / THROTTLE  # shortens the API's 5 minutes, also in its headers, to THROTTLE

_DEADLINE = 15.0  # seconds for each expected result
_POLL = 0.02  # seconds between checks for it

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
    """A step of the demo did not have the expected result."""


class Workspace:
    """The folders, the sandbox and the console that the steps of the demo use."""

    def __init__(self, root: Path, sandbox: Sandbox, console: Console, log: DaemonLog) -> None:
        self.root = root
        self.config = root / "config.toml"
        self.sandbox = sandbox
        self.console = console
        self.log = log
        self.is_running: Callable[[], bool] = lambda: True
        """Return whether the process that must produce the expected result is running."""
        self._calls = 0

    def announce(self, sentence: str) -> None:
        """Print the heading of a step, and count calls and search the log from here on."""
        self._calls = self.sandbox.counts.calls()
        self.log.mark()
        self.console.print()
        self.console.print(Text("▸ ", "bold cyan") + Text(sentence, "bold"))

    def report(self, sentence: str) -> None:
        """Print the result of a step."""
        self.console.print(Padding(Text(sentence, "green"), (0, 0, 0, 2), expand=False))

    def command(self, name: str) -> list[str]:
        """Print a command as the user would type it, and return its arguments."""
        arguments = [name, "--config", str(self.config)]
        self.console.print(Text(f"$ syncd {' '.join(arguments)}", "dim"), soft_wrap=True)
        return arguments

    @property
    def calls(self) -> str:
        """The number of calls since the step began, as "3 calls"."""
        return amount(self.sandbox.counts.calls() - self._calls, "call")

    async def rest(self, seconds: float) -> None:
        """Give the reader some time, if the output is a terminal."""
        if self.console.is_terminal:
            await asyncio.sleep(seconds)

    async def until(self, expected: str, reached: Callable[[], bool]) -> None:
        """Wait for an expected result; raise DemoFailed if it is not reached in time."""
        deadline = time.monotonic() + _DEADLINE
        while not reached():
            if not self.is_running():
                raise DemoFailed(f"the daemon ended before this was true: {expected}")
            if time.monotonic() > deadline:
                raise DemoFailed(f"not true within {_DEADLINE:.0f} s: {expected}")
            await asyncio.sleep(_POLL)

    def standings(self) -> list[FileState]:
        """Return everything that is in the ledger."""
        with reading(self.root / "ledger.db") as db:
            return queries.all_files(10_000)(db)

    def holders(self, file: str) -> set[str]:
        """Return the accounts that hold a file's image, by the ledger and the sandbox."""
        folder, _, name = file.partition("/")
        rows = (
            row for row in self.standings() if (row.folder, row.path) == (folder, name.encode())
        )
        return {
            row.account
            for row in rows
            if row.account and row.hash and self.sandbox.library.find(row.account, row.hash)
        }


@contextlib.asynccontextmanager
async def create_workspace(console: Console) -> AsyncIterator[Workspace]:
    """Create everything for the block, and remove it afterwards."""
    switches = Switches(time_scale=_TIME_SCALE, ad_account_usage="sent")
    with tempfile.TemporaryDirectory(prefix="syncd-demo-") as name:
        root = Path(name)
        for number, file in enumerate(names(PICTURES)):
            folder = root / ("spring" if number < _IN_SPRING else "summer")
            folder.mkdir(exist_ok=True)
            (folder / file).write_bytes(picture(file))
        with (root / "daemon.log").open("w", encoding="utf-8") as file_of_log:
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
                yield Workspace(root, sandbox, console, DaemonLog(console, file_of_log, root))
