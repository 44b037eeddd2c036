"""One history: real folders, a real sandbox and the daemon's own parts, compared with a model.

Four claims are checked: nothing wanted is deleted, everything converges, then no calls are made,
and no call or byte is wasted.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.history.accounts import Accounts
from support.history.cost import Cost
from support.history.driver import DAY, Driver, age_by_a_day, copy_ledger, lose_ledger
from support.history.folder import Folder
from support.history.folders import Folders
from support.history.model import Held, Model, Replica
from support.history.observer import Interruption, Observer
from support.history.strategies import ACCOUNTS, CONTENTS, HASHES, NAMES, REJECTED, Change, Sync
from support.rig import Rig

from syncd.folders.watching.targets import ScanTarget, targets_of

MAX_PASSES = 10
"""Passes after which everything must be in sync, whatever has failed."""


@dataclass
class Crash:
    """A crash of the daemon while a call is in flight."""

    ledger_copy: Path
    happened: asyncio.Event = field(default_factory=asyncio.Event)


class History:
    """Changes to folders, accounts and the daemon; deletions are judged by the model."""

    def __init__(self, base: Path, mirrors: tuple[str, ...], copying: str, grace: str) -> None:
        self.spring = Folder("1", propagates=True, mirrors=mirrors)
        folders = {"spring": self.spring, "autumn": Folder("3", propagates=False)}
        self.model = Model(HASHES, {REJECTED}, folders, has_grace=grace != "0s")
        self.accounts = Accounts(self.model)
        self.copying = copying
        self._grace = grace
        self.reconfigured = False
        self.deletions = 0
        self._base = base
        self._objection: str | None = None  # of the model, to a deletion
        self._is_changing = False  # while calls are in flight
        self._sent: set[Held] = set()  # of these, the DELETE calls that were recorded before

    async def begin(self, files: dict[str, dict[str, int]]) -> None:
        """Start with `files`, by the names of their folders, and sync them."""
        sandbox = self.accounts.sandbox
        await sandbox.__aenter__()
        self.observer = Observer(sandbox, self._judge, self.model.postpone)
        self._rig = Rig(
            self._base,
            sandbox,
            accounts=ACCOUNTS,
            workers=2,
            per_account='tier = "standard"\nbudget = { window = "1s" }',
            toml=f'[deletions]\ngrace = "{self._grace}"\n'
            "hold_above = { images = 1000, share = 1 }\n"
            f'[folders.autumn]\npath = "{self._base / "autumn"}"\naccount = "third"\n',
        )
        autumn = self._base / "autumn"
        autumn.mkdir()
        self.folders = Folders(
            self._base, {"spring": self._rig.folder, "autumn": autumn}, self.model
        )
        self._driver = Driver(self._rig)
        for name, contents in files.items():
            for path, content in contents.items():
                self.folders.put(name, path, content)
        await self.sync()

    async def end(self) -> None:
        await self._driver.stop()
        await self.accounts.sandbox.__aexit__(None, None, None)

    def change(self, changes: Collection[Change]) -> None:
        """Make changes to folders and accounts."""
        for method, *values in changes:
            owner = self.folders if hasattr(self.folders, method) else self.accounts
            getattr(owner, method)(*values)

    async def pass_a_day(self, clock_change: float = 0.0) -> None:
        """Stop the daemon, and let a day pass; a clock may be set meanwhile."""
        await self._driver.stop()
        if self._rig.ledger.exists():
            age_by_a_day(self._rig.ledger)
        self.accounts.pass_time(DAY)
        self.model.pass_a_day()
        if clock_change:
            self.accounts.change_clock(clock_change)

    async def lose_ledger(self) -> None:
        """Stop the daemon, and remove its ledger."""
        await self._driver.stop()
        lose_ledger(self._rig.ledger)
        self.model.lose_ledger(self.accounts.were_held())

    async def change_during_calls(self, change: Callable[[], None]) -> None:
        """Make a change, and scan everything, while calls are in flight.

        A DELETE to another account may be sent until the scan has recorded the change.
        """
        self._is_changing = True
        change()
        await self._driver.scan()
        self.model.scan()
        rows = self._rig.rows(
            """
            SELECT account.act, replica.hash
            FROM replica
            JOIN account ON account.id = replica.account_id
            WHERE replica.delete_sent_at IS NOT NULL
            """
        )
        self._sent = {(account, image_hash) for account, image_hash in rows}
        self._is_changing = False

    async def replace_for_a_while(self, directory: str, *, by_link: bool, restarts: bool) -> None:
        """Replace a directory by a link, or by another directory, until a sync ends.

        Nothing is deleted meanwhile, and no calls are made.
        """
        if not self.folders.may_replace(directory):
            return
        if restarts:
            await self._driver.stop()
        put_back = self.folders.replace(directory, by_link=by_link)
        self.model.spare_deleted()
        deletions = self.deletions
        for _ in range(2):  # the first records the file of another directory
            await self.sync()
        assert self.deletions == deletions, "deleted while its directory was replaced"
        if restarts:
            await self._driver.stop()
        put_back()
        await self.sync()
        assert self.deletions == deletions, "deleted after its directory was put back"

    async def crash(self, kind: str, after: int, *, returns: bool = False) -> None:
        """Sync, and crash while a call of this kind is in flight.

        `returns`: before the next start, files of all images that are to be deleted are written.
        """
        crash = Crash(self._base / "crashed.db")

        async def act() -> None:
            copy_ledger(self._rig.ledger, crash.ledger_copy)
            self.observer.drop_requests()
            if returns:
                for number, content in enumerate(sorted({c for _, c in self.model.doomed})):
                    self.folders.put("spring", f"back{number}.jpg", content)
                self.model.scan()
            crash.happened.set()

        interruption = Interruption(kind, after, act, drops_response=True)
        await self.sync(interruption=interruption, crash=crash)

    async def sync(
        self,
        how: Sync = "scanned",
        interruption: Interruption | None = None,
        crash: Crash | None = None,
    ) -> None:
        """Run passes until everything is in sync, and check what that has cost."""
        watched = how == "watched" and not self.reconfigured
        await self._start()
        cost, deletions = Cost(self.accounts, self.model), self.deletions
        cost.allow(self._copyable())
        targets = self._targets() if watched else frozenset()
        self.model.scan(watched=bool(targets))
        cost.allow(self._copyable())
        self.folders.touched.clear()
        may_look_up = self.model.may_look_up()
        await self._converge(targets, interruption, crash)
        # After a removal by hand, syncd may have noticed it or not.
        if not (self.observer.interrupted or self.accounts.has_lost or cost.had_errors):
            cost.check(deletions=self.deletions - deletions, may_look_up=may_look_up)
        if how == "audited":
            await self._audit()
            await self._converge()

    async def check_idle(self, *, restarts: bool) -> None:
        """Check that no calls are made while everything is in sync.

        An image without a file can still be copied: a start reads the server's clock for it.
        """
        counts = self.accounts.sandbox.counts
        calls, clocks = counts.calls(), counts.calls(kind="me")
        if restarts:
            await self._driver.stop()
            await self._start()
        await self._driver.run_pass()
        if self.model.wanted() - self.model.present():
            calls += counts.calls(kind="me") - clocks
        assert counts.calls() == calls, list(counts.recent)[-5:]

    def _judge(self, account: str, image_hash: str) -> None:
        self.deletions += 1
        if self._is_changing or (account, image_hash) in self._sent:
            return
        objection = self.model.objection(account, image_hash, self.accounts.held())
        if objection is not None and self._objection is None:
            self._objection = f"{image_hash} was deleted from act_{account}: {objection}"

    async def _start(self) -> None:
        if self.reconfigured:
            await self._driver.stop()
        if not self._driver.is_running:
            self._rig.mirrors = tuple(NAMES[number] for number in self.spring.mirrors)
            exclude = ["x*"] if self.spring.excludes else []
            self._rig.per_folder = (
                f'deletions = "propagate"\ncopy = "{self.copying}"\nexclude = {exclude}'
            )
            await self._driver.start()
            self.model.reconfigure()
        self.reconfigured = False

    def _targets(self) -> Collection[ScanTarget]:
        """Return the targets that events name."""
        monitor = next(iter(self._driver.runtime.disk.monitors.values()))
        root = os.fsencode(self.folders.roots["spring"].resolve())
        touched = map(os.fsencode, self.folders.touched)
        return targets_of(root, touched, monitor.tree.patterns)

    async def _converge(
        self,
        targets: Collection[ScanTarget] = (),
        interruption: Interruption | None = None,
        crash: Crash | None = None,
    ) -> None:
        """Run passes until everything is in sync, and what `_may_act` expects has been done."""
        self.observer.reset()
        was_quiet = False  # the pass before left nothing to do, and no call had failed
        for number in range(MAX_PASSES):
            held = self.accounts.held()
            await self._run_pass(targets if number == 0 else (), interruption, crash)
            if crash is not None and crash.happened.is_set():
                self.observer.interrupt(None)
                await self._driver.crash(crash.ledger_copy)
                self.accounts.sandbox.faults.clear()
                self.model.unknown |= self.accounts.held() - held
                crash = None
                await self._start()
                continue
            assert self._objection is None, self._objection
            difference, failed = self._difference(), self._driver.has_failed_calls
            if not difference and (not self._may_act() or (was_quiet and not failed)):
                break
            was_quiet = not (difference or failed)
            if self._driver.has_delays:
                await self._driver.stop()
                await self._start()
        else:
            raise AssertionError(f"after {MAX_PASSES} passes: {self._difference()}")
        self.observer.interrupt(None)
        self._sent = set()
        self.model.converge(self.accounts.held())
        self.spring.others = set(self._other_directories())
        if self.spring.doubtful:  # how much of a new directory must match is not modelled
            self.spring.doubtful = "spring" in await self._driver.suspects()

    async def _run_pass(
        self,
        targets: Collection[ScanTarget],
        interruption: Interruption | None,
        crash: Crash | None,
    ) -> None:
        """Run one pass until its end or the crash."""
        self.observer.interrupt(interruption)
        running = asyncio.create_task(self._driver.run_pass(targets, self.observer.scanned.set))
        waiting: set[asyncio.Task[object]] = {running}
        if crash is not None:
            waiting.add(asyncio.create_task(crash.happened.wait()))
        done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.wait(waiting)
        if running in done:
            running.result()

    async def _audit(self) -> None:
        for _ in range(MAX_PASSES):
            if await self._driver.audit():
                break
            await self._driver.stop()
            await self._start()
            await self._driver.run_pass()
        else:
            raise AssertionError(f"no complete audit in {MAX_PASSES} tries")
        for account, image_hash in list(self.model.lost):
            self.model.forget(account, image_hash)
        self.accounts.has_lost = False

    def _difference(self) -> str | None:
        """Return one difference from the model; None if everything is in sync."""
        held = self.accounts.held()
        if missing := self.model.must_hold() - held:
            return f"accounts do not hold {sorted(missing)}"
        if surplus := self.model.must_not_hold() & held:
            return f"accounts still hold {sorted(surplus)}"
        for account, content in sorted(self.model.present()):
            recorded = self._rig.recorded(CONTENTS[content], account)
            if recorded != HASHES[content]:
                return f"the ledger has {recorded} for {content} in act_{account}"
        for account, content in sorted(self.model.to_reject()):
            if not self._rig.is_rejected(CONTENTS[content], account):
                return f"the ledger does not have {content} as rejected in act_{account}"
        return None

    def _other_directories(self) -> Iterator[str]:
        """Yield the directories of the folder that are not the ones that the ledger knows."""
        root = self.folders.roots["spring"]
        sql = """
            SELECT CAST(path AS TEXT), inode
            FROM directory
            WHERE folder_id = (SELECT id FROM folder WHERE name = 'spring') AND path <> x''
            """
        for path, inode in self._rig.rows(sql):
            if not (root / path).exists() or (root / path).stat().st_ino != inode:
                yield path + "/"

    def _may_act(self) -> bool:
        """Return whether calls are possible after a pass that leaves no difference.

        The image of a rewritten file is looked up after the next scan; an image without a file is
        copied.
        """
        return bool(self.model.deleted or self.model.wanted() - self.model.present())

    def _copyable(self) -> set[Replica]:
        """Return what mirrors miss and another account of the folder holds."""
        if self.copying != "copy":
            return set()
        return {
            (mirror, content)
            for mirror in self.spring.mirrors
            for content in self.spring.known.values()
            if any(
                (source, content) in self.model.ours
                for source in self.spring.routes
                if source != mirror
            )
        }
