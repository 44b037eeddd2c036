"""A short scenario whose daemon is killed at one step, and what must hold after the next start.

Steps are the moments before and after each send, receive and commit; `killed_at` counts them.
"""

import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import killed_at
from support.pictures import picture
from support.process import Daemon, running
from support.repeats import Repeats
from support.rig import Rig, until
from support.settled import check_ledger, differences, let_time_pass, stuck
from support.tree import contents

from syncd.sandbox.calls import Call
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image

ENDS = (0, -signal.SIGKILL)
"""Exit codes of the process that may be killed."""

WITHIN = 120.0  # seconds for each part of the scenario, on a busy machine


def create(rig: Rig) -> None:
    """Write four images, one of them twice."""
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg", "in/d.jpg", "in/again.jpg")):
        rig.write(name, picture(number % 4))


def change(rig: Rig) -> None:
    """Delete, rename, replace, copy and add files."""
    (rig.folder / "b.jpg").unlink()
    (rig.folder / "c.jpg").rename(rig.folder / "in" / "renamed.jpg")
    replacement = rig.write(".d.jpg", picture(10))
    replacement.rename(rig.folder / "in" / "d.jpg")
    (rig.folder / "a.jpg").unlink()  # `in/again.jpg` has the same bytes
    rig.write("new/e.jpg", picture(11))
    rig.write("new/f.jpg", picture(12))


CHANGES: tuple[Callable[[Rig], None], ...] = (create, change)


@dataclass
class KilledRun:
    """The scenario in a sandbox of its own; its daemon is killed at step `last`, or never at 0."""

    path: Path
    sandbox: Sandbox
    last: int
    repeats: Repeats = field(default_factory=Repeats)
    wrong: list[Image] = field(default_factory=list)
    """Deleted images that a file has."""
    rig: Rig = field(init=False)

    def __post_init__(self) -> None:
        self.rig = Rig(
            self.path,
            self.sandbox,
            accounts={"main": "1", "eu": "2"},
            mirrors=("eu",),
            workers=1,
            settle="50ms",
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml='[deletions]\ngrace = "0s"\nhold_above = { images = 100, share = 1 }\n',
            timeout="30s",
        )
        self.sandbox.on_response = self._on_response
        self.sandbox.library.on_delete = self._on_delete

    @property
    def steps(self) -> list[str]:
        """The steps that were reached, in order."""
        return (self.path / "steps").read_text().splitlines()

    async def run(self) -> None:
        """Let the daemon live up to its end; start it again after a kill, and compare."""
        left = list(CHANGES)
        steps = str(self.path / "steps")
        async with self._daemon(sys.executable, killed_at.__file__, steps, str(self.last)) as first:
            while left and first.process.returncode is None:
                left.pop(0)(self.rig)
                await until(lambda: self._is_settled() or _has_ended(first), WITHIN)
            assert await first.end() in ENDS, first.lines[-20:]
        for change_folder in left:
            change_folder(self.rig)
        if self.last:
            await self._continue(self._is_complete)
        if not self._is_settled():  # a call without a response is looked up a minute later
            let_time_pass(self.rig)
            await self._continue(self._is_settled)
        await check_ledger(self.rig)

    async def _continue(self, condition: Callable[[], bool]) -> None:
        """Run the daemon until a condition is true, and it has scanned the folder."""
        async with self._daemon() as daemon:
            await until(lambda: daemon.logged("event=scan.done") and condition(), WITHIN)
            assert await daemon.end() == 0

    @asynccontextmanager
    async def _daemon(self, *under: str) -> AsyncIterator[Daemon]:
        self.repeats.life += 1
        async with running(self.rig, under=under) as daemon:
            yield daemon

    def _is_complete(self) -> bool:
        """Return whether the accounts lack nothing."""
        found = differences(self.rig, self._wanted())
        return not any(lacking for lacking, _ in found.values())

    def _is_settled(self) -> bool:
        """Return whether accounts equal the folder and the ledger has nothing left to do.

        A DELETE that has had its effect is confirmed once more a minute later.
        """
        waits = stuck(self.rig, "'held', 'unconfirmed'")
        return not differences(self.rig, self._wanted()) and not waits

    def _wanted(self) -> set[str]:
        return contents(self.rig.folder)

    async def _on_response(self, call: Call, outcome: Outcome) -> Outcome:
        self.repeats.on_call(call, outcome, self.sandbox.library)
        return outcome

    def _on_delete(self, image: Image) -> None:
        self.repeats.on_delete(image)
        if image.sha256 in self._wanted():
            self.wrong.append(image)


def _has_ended(daemon: Daemon) -> bool:
    return daemon.process.returncode is not None
