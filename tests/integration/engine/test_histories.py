"""Histories of folders, accounts and crashes, beside a plain model of what is right.

Four claims: nothing wanted is deleted, everything converges, then it rests, and it is economical.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from support.history.driver import DAY, Passes, copy_ledger, let_a_day_pass, lose_ledger
from support.history.model import Folder, Held, Replica, Wishes
from support.history.observer import Moment, Witness
from support.pictures import picture
from support.rig import Rig

from syncd.folders.watching.targets import targets_of
from syncd.sandbox.faults import Fault
from syncd.sandbox.pictures import examine
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

T = TypeVar("T")

SWITCHES = Switches(tier="unlimited", transcoding="same_picture", regain="zero")
ACCOUNTS = {"main": "1", "copy": "2", "third": "3"}
NAMES = {number: name for name, number in ACCOUNTS.items()}
CONTENTS = [picture(seed, width=8, height=8) for seed in range(4)]
CONTENTS += [content + b"tail" for content in CONTENTS[:2]]  # each one image with the other
CONTENTS.append(b"no picture")
HASHES: dict[int, str | None] = {
    number: examine(content, SWITCHES).hash if number < 6 else None
    for number, content in enumerate(CONTENTS)
}
DIRECTORIES = ["", "d/", "d/e/", "f/"]
PATHS = [directory + name for directory in DIRECTORIES for name in ("a.jpg", "b.jpg", "x.jpg")]
MIRRORS = [(), ("2",), ("2", "3"), ("3", "2")]
CALLS = ["upload", "copy", "list", "delete"]
FAULTS = ["reset_before", "reset_after", "cut_off", "half_json", "1", "17"]
TRIES = 8  # passes in which everything must be in step, whatever has gone wrong
COPY_BYTES = 1000  # a copy's body has no image in it

paths = st.sampled_from(PATHS)
contents = st.integers(0, len(CONTENTS) - 1)
names = st.sampled_from(["spring", "spring", "spring", "autumn"])
numbers = st.sampled_from(list(NAMES))
picks = st.integers(0, 5)
directories = st.sampled_from(DIRECTORIES[1:])

Change: TypeAlias = tuple[Any, ...]
"""A method of the machine, and what it is called with."""
Rest: TypeAlias = Literal["told", "scanned", "audits"]

disk_changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("put"), names, paths, contents),
    st.tuples(st.just("duplicate"), names, picks, paths),
    st.tuples(st.just("rename"), names, picks, paths),
    st.tuples(st.just("move"), directories, directories),
    st.tuples(st.just("unlink"), names, picks),
    st.tuples(st.just("unlink"), st.just("spring"), picks),
    st.tuples(st.just("unlink"), st.just("spring"), picks),
    st.sampled_from([("empty",), ("swap_for_a_copy",)]),
)
account_changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("bring"), numbers, st.integers(0, 5)),
    st.tuples(st.sampled_from(["remove", "use", "use", "use_no_more"]), picks),
    st.tuples(st.just("use"), picks),
    st.tuples(st.just("go_wrong"), st.sampled_from(FAULTS), numbers, st.sampled_from(CALLS)),
)
changes = st.lists(
    st.sampled_from([disk_changes, disk_changes, account_changes]).flatmap(lambda some: some),
    max_size=5,
)
rests: st.SearchStrategy[Rest | None] = st.sampled_from(
    ["scanned", "scanned", "told", "audits", None]
)


class Histories(RuleBasedStateMachine):
    """Real folders, a real sandbox and the daemon's own parts; the model hears of all."""

    @initialize(
        mirrors=st.sampled_from(MIRRORS),
        copying=st.sampled_from(["copy", "auto"]),
        files=st.dictionaries(paths, contents, min_size=2, max_size=6),
    )
    def begins(self, mirrors: tuple[str, ...], copying: str, files: dict[str, int]) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="syncd-histories-"))
        self.runner = asyncio.Runner()
        self.back = 0.0  # seconds by which the sandbox's clock is turned back
        self.sandbox = Sandbox(SWITCHES, clock=lambda: time.time() - self.back)
        self.run(self.sandbox.__aenter__())
        self.witness = Witness(self.sandbox, self.judge)
        self.copying = copying
        self.rig = Rig(
            self.base,
            self.sandbox,
            accounts=ACCOUNTS,
            workers=2,
            per_account='tier = "standard"\nbudget = { window = "1s" }',
            toml='[deletions]\ngrace = "0s"\nhold_above = { images = 1000, share = 1 }\n'
            f'[folders.autumn]\npath = "{self.base / "autumn"}"\naccount = "third"\n',
        )
        (self.base / "autumn").mkdir()
        self.roots = {"spring": self.rig.folder, "autumn": self.base / "autumn"}
        self.spring = Folder("1", propagates=True, mirrors=mirrors)
        folders = {"spring": self.spring, "autumn": Folder("3", propagates=False)}
        self.wishes = Wishes(HASHES, folders)
        self.passes = Passes(self.rig)
        self.reconfigured = False
        self.unsure = False  # what an account has lost may be known, or not
        self.touched: set[str] = set()
        self.objection: str | None = None
        self.deletions = 0
        self.creatives: dict[Held, str] = {}
        for path, content in files.items():
            self.put("spring", path, content)
        self.run(self.rest())

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            self.run(self.passes.stop())
            self.run(self.sandbox.__aexit__(None, None, None))
        finally:
            self.runner.close()
            shutil.rmtree(self.base)

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(task)

    # What happens in folders.

    def put(self, name: str, path: str, content: int) -> None:
        file = self.roots[name] / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CONTENTS[content])
        self.wishes.folders[name].files[path] = content
        self.touched.add(path)

    def drop(self, name: str, path: str) -> None:
        (self.roots[name] / path).unlink()
        del self.wishes.folders[name].files[path]
        self.touched.add(path)

    def some(self, name: str, pick: int) -> str:
        files = sorted(self.wishes.folders[name].files)
        return files[pick % len(files)] if files else ""

    def duplicate(self, name: str, pick: int, to: str) -> None:
        if path := self.some(name, pick):
            self.put(name, to, self.wishes.folders[name].files[path])

    def rename(self, name: str, pick: int, to: str) -> None:
        path = self.some(name, pick)
        if not path or path == to:
            return
        root, files = self.roots[name], self.wishes.folders[name].files
        (root / to).parent.mkdir(parents=True, exist_ok=True)
        (root / path).rename(root / to)
        files[to] = files.pop(path)
        self.touched |= {path, to}

    def move(self, source: str, to: str) -> None:
        files, root = self.spring.files, self.roots["spring"]
        inside = [path for path in files if path.startswith(source)]
        if to.startswith(source) or not inside or any(path.startswith(to) for path in files):
            return
        shutil.rmtree(root / to, ignore_errors=True)
        (root / to).parent.mkdir(parents=True, exist_ok=True)
        (root / source).rename(root / to)
        for path in inside:
            files[to + path.removeprefix(source)] = files.pop(path)
        self.touched |= {source.rstrip("/"), to.rstrip("/")}

    def unlink(self, name: str, pick: int) -> None:
        if path := self.some(name, pick):
            self.drop(name, path)

    def empty(self) -> None:
        for path in list(self.spring.files):
            self.drop("spring", path)

    def swap_for_a_copy(self) -> None:
        root, old = self.roots["spring"], Path(tempfile.mkdtemp(dir=self.base))
        root.rename(old)  # it stays: another directory could have its inode otherwise
        shutil.copytree(old, root)
        self.spring.moved = self.spring.trusted

    @rule(changes=changes, then=rests)
    def things_change(self, changes: list[Change], then: Rest | None) -> None:
        self.make(changes, then)

    def make(self, changes: list[Change], then: Rest | None) -> None:
        for method, *values in changes:
            getattr(self, method)(*values)
        if then is not None:
            self.run(self.rest(told=then == "told", audits=then == "audits"))

    # What happens to the configuration.

    @rule(
        mirrors=st.sampled_from(MIRRORS),
        copying=st.sampled_from(["copy", "copy", "auto", "upload"]),
        changes=changes,
        then=rests,
    )
    def the_mirrors_are_others(
        self, mirrors: tuple[str, ...], copying: str, changes: list[Change], then: Rest | None
    ) -> None:
        self.spring.mirrors = mirrors
        self.copying = copying
        self.reconfigured = True
        self.make(changes, then)

    @rule(changes=changes, then=rests)
    def the_patterns_change(self, changes: list[Change], then: Rest | None) -> None:
        self.make([], then)
        self.spring.excludes = not self.spring.excludes
        self.reconfigured = True
        self.make(changes, then)

    # What happens in the accounts.

    def bring(self, account: str, content: int) -> None:
        image_hash = self.wishes.hash_of(content)
        if self.sandbox.library.find(account, image_hash) is None:
            self.back = 3600.0
            self.sandbox.hold(account, "theirs.jpg", CONTENTS[content])
            self.back = 0.0
            self.wishes.theirs.add((account, image_hash))

    def image(self, pick: int, *, used: bool) -> Held | None:
        held = sorted(h for h in self.held() if (h in self.wishes.used) == used)
        return held[pick % len(held)] if held else None

    def remove(self, pick: int) -> None:
        if (held := self.image(pick, used=False)) is not None:
            self.witness.remove(*held)
            self.wishes.left(*held)
            self.wishes.lost.add(held)
            self.unsure = True

    def use(self, pick: int) -> None:
        if (held := self.image(pick, used=False)) is not None:
            creative = self.sandbox.creatives.add(*held)
            self.creatives[held] = creative
            self.wishes.used.add(held)

    def use_no_more(self, pick: int) -> None:
        if (held := self.image(pick, used=True)) is not None:
            self.sandbox.creatives.remove(self.creatives.pop(held))
            self.wishes.used.discard(held)

    def go_wrong(self, name: str, account: str, on: str) -> None:
        seconds = 0.15 if name == "17" else None
        self.sandbox.faults.add(Fault(name, times=1, account=account, on=on, seconds=seconds))

    @rule()
    def a_day_passes(self) -> None:
        self.run(self.passes.stop())
        if self.rig.ledger.exists():
            let_a_day_pass(self.rig.ledger)
        library = self.sandbox.library
        for account in NAMES:
            for image in library.everything(account):
                older = replace(image, created_time=image.created_time - DAY)
                library.put(older)
        self.wishes.patient.clear()

    # What happens to syncd.

    @rule()
    def the_ledger_is_lost(self) -> None:
        self.run(self.passes.stop())
        lose_ledger(self.rig.ledger)
        self.wishes.ledger_lost(self.held())

    @rule(restarts=st.booleans())
    def it_comes_to_rest_and_stays_so(self, restarts: bool) -> None:
        self.run(self.rest())
        self.run(self.idle(restarts=restarts))

    @rule(
        changes=changes,
        kind=st.sampled_from([*CALLS, ""]),
        after=st.integers(0, 2),
    )
    def it_crashes_when_a_call_is_done(self, changes: list[Change], kind: str, after: int) -> None:
        """All that was done is done, and all that was recorded before is recorded."""
        self.make(changes, None)
        if kind in ("list", "delete"):
            self.unlink("spring", after)
        copied = self.base / "copied.db"

        async def crash() -> None:
            copy_ledger(self.rig.ledger, copied)
            self.witness.cut_off()
            crashed.set()

        crashed = asyncio.Event()
        moment = Moment(kind, after, crash, breaks=True)
        self.run(self.rest(moment=moment, crashed=crashed, copied=copied))

    @rule(
        changes=changes,
        kind=st.sampled_from(CALLS),
        after=st.integers(0, 1),
        path=paths,
        content=contents,
        change=st.sampled_from(["comes back", "comes back", "goes", "is used"]),
    )
    def something_happens_while_a_call_is_under_way(
        self, changes: list[Change], kind: str, after: int, path: str, content: int, change: str
    ) -> None:
        self.make(changes, None)
        if kind in ("list", "delete"):
            self.unlink("spring", after)

        async def act() -> None:
            files = sorted(self.spring.files)
            if change == "comes back":
                for number, its in enumerate({content, *(c for _, c in self.wishes.doomed)}):
                    self.put("spring", path.replace(".", f"{number}."), its)
            elif change == "goes" and files:
                self.drop("spring", files[content % len(files)])
            elif change == "is used":
                self.use(content)
            await self.passes.look()
            self.wishes.scanned()

        self.run(self.rest(moment=Moment(kind, after, act)))

    # What is claimed.

    def held(self) -> set[Held]:
        library = self.sandbox.library
        return {(a, str(image.hash)) for a in NAMES for image in library.images(a)}

    def judge(self, account: str, image_hash: str) -> None:
        self.deletions += 1
        objection = self.wishes.may_delete(account, image_hash)
        if objection is not None and self.objection is None:
            self.objection = f"{image_hash} was deleted from act_{account}: {objection}"

    async def start(self) -> None:
        if self.reconfigured:
            await self.passes.stop()
        if not self.passes.running:
            self.rig.mirrors = tuple(NAMES[number] for number in self.spring.mirrors)
            exclude = ["x*"] if self.spring.excludes else []
            self.rig.per_folder = (
                f'deletions = "propagate"\ncopy = "{self.copying}"\nexclude = {exclude}'
            )
            await self.passes.start()
            self.wishes.configured()
        self.reconfigured = False

    async def rest(
        self,
        *,
        told: bool = False,
        audits: bool = False,
        moment: Moment | None = None,
        crashed: asyncio.Event | None = None,
        copied: Path | None = None,
    ) -> None:
        wishes, touched = self.wishes, self.touched
        told = told and not self.reconfigured
        await self.start()
        monitor = next(iter(self.passes.house.disk.monitors.values()))
        root = os.fsencode(self.roots["spring"].resolve())
        patterns = monitor.tree.patterns
        looks = targets_of(root, map(os.fsencode, touched), patterns) if told else frozenset()
        self.touched = set()
        wishes.scanned(told=bool(looks))
        spent = Spent(self, self.copyable())
        asks = bool(wishes.deleted - wishes.patient)
        disturbed = await self.converge(looks, moment, crashed, copied)
        if not disturbed and not self.unsure and not spent.struck():
            spent.check(asks=asks)
        if audits:
            await self.audit()
            await self.converge()

    async def converge(
        self,
        looks: Any = (),
        moment: Moment | None = None,
        crashed: asyncio.Event | None = None,
        copied: Path | None = None,
    ) -> bool:
        """Pass until all is in step; answers whether the moment came."""
        self.witness.moment, self.witness.happened = None, False

        def arm() -> None:
            self.witness.moment = moment

        for number in range(TRIES):
            uploaded = self.held()
            await self.one_pass(looks if number == 0 else (), arm, crashed)
            if crashed is not None and crashed.is_set():
                assert copied is not None
                self.witness.moment = None
                await self.passes.crash(copied)
                self.sandbox.faults.clear()
                self.wishes.murky |= self.held() - uploaded
                crashed = None
                await self.start()
                continue
            assert self.objection is None, self.objection
            if not self.out_of_step():
                break
            if self.passes.fails:
                await self.passes.stop()
                await self.start()
        else:
            raise AssertionError(f"in {TRIES} passes: {self.out_of_step()}")
        self.witness.moment = None
        self.wishes.rests(self.held())
        return self.witness.happened

    async def one_pass(self, looks: Any, arm: Any, crashed: asyncio.Event | None) -> None:
        passing = asyncio.create_task(self.passes.whole_pass(looks, arm))
        waiting = {passing}
        if crashed is not None:
            waiting.add(asyncio.create_task(crashed.wait()))  # type: ignore[arg-type]
        done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.wait(waiting)
        if passing in done:
            passing.result()

    async def audit(self) -> None:
        for _ in range(TRIES):
            if await self.passes.audit():
                break
            await self.passes.stop()
            await self.start()
            await self.passes.whole_pass()
        else:
            raise AssertionError("no audit in so many tries")
        for account, image_hash in list(self.wishes.lost):
            self.wishes.forgotten(account, image_hash)
        self.unsure = False

    def out_of_step(self) -> str | None:
        held = self.held()
        if missing := self.wishes.must_hold() - held:
            return f"accounts do not hold {sorted(missing)}"
        if surplus := self.wishes.must_not_hold() & held:
            return f"accounts still hold {sorted(surplus)}"
        for account, content in sorted(self.wishes.present()):
            recorded = self.rig.recorded(CONTENTS[content], account)
            if recorded != HASHES[content]:
                return f"the ledger has {recorded} for {content} in act_{account}"
        return None

    async def idle(self, *, restarts: bool) -> None:
        """At rest, it calls nobody."""
        if self.wishes.wanted() - self.wishes.present():
            # What has no file can still be copied, and a call that went wrong may have delayed it.
            await self.passes.whole_pass()
        calls = self.sandbox.counts.calls()
        if restarts:
            await self.passes.stop()
            await self.start()
        await self.passes.whole_pass()
        assert self.sandbox.counts.calls() == calls, list(self.sandbox.counts.recent)[-5:]

    def copyable(self) -> set[Replica]:
        """What mirrors miss, and another account of the folder holds."""
        if self.copying != "copy":
            return set()
        return {
            (mirror, content)
            for mirror in self.spring.mirrors
            for content in self.spring.known.values()
            if any(
                (source, content) in self.wishes.ours
                for source in self.spring.routes
                if source != mirror
            )
        }


class Spent:
    """What a stretch of a history costs, beside what it may."""

    def __init__(self, history: Histories, copyable: set[Replica]) -> None:
        self.history = history
        self.counts = history.sandbox.counts
        self.missing = history.wishes.missing()
        self.bringable = history.wishes.bringable()
        self.copyable = copyable
        self.held = history.held()
        self.before = {account: self.figures(account) for account in NAMES}
        self.calls = self.counts.calls()
        self.faults = history.sandbox.faults.struck.total()
        self.deletions = history.deletions

    def figures(self, account: str) -> tuple[int, int, int]:
        counts = self.counts
        return counts.images(account), counts.calls(account, "copy"), counts.bytes(account)

    def struck(self) -> bool:
        return self.history.sandbox.faults.struck.total() > self.faults

    def check(self, *, asks: bool) -> None:
        for account, before in self.before.items():
            after = self.figures(account)
            images, copies, size = (b - a for a, b in zip(before, after, strict=True))
            missing = {replica for replica in self.missing if replica[0] == account}
            bringable = {replica for replica in self.bringable if replica[0] == account}
            most = len(bringable) + self.known_by_another(bringable)
            assert len(missing) <= images + copies <= most, (
                f"act_{account}: {images} sent, {copies} copied of {missing} or {bringable}"
            )
            sent = bringable - self.copyable
            assert images <= len(sent) + self.known_by_another(sent), f"act_{account}: bytes sent"
            assert images or size <= COPY_BYTES * copies, f"act_{account}: {size} bytes"
        if not self.bringable and not asks:
            assert self.counts.calls() == self.calls, list(self.counts.recent)[-5:]
        deletes = sum(r.kind == "delete" for r in list(self.counts.recent)[self.since() :])
        assert deletes == self.history.deletions - self.deletions, "a deletion was refused"

    def known_by_another(self, missing: set[Replica]) -> int:
        """How many may be sent twice: an answer with another's name is not believed."""
        its = Counter((account, HASHES[content]) for account, content in self.bringable)
        return sum(its[a, HASHES[c]] > 1 or (a, HASHES[c]) in self.held for a, c in missing)

    def since(self) -> int:
        made = self.counts.calls() - self.calls
        return len(self.counts.recent) - min(made, len(self.counts.recent))


# The same few histories at every run; EXPLORE=1 in the environment asks for many others.
Histories.TestCase.settings = settings(
    max_examples=200 if "EXPLORE" in os.environ else 12,
    derandomize="EXPLORE" not in os.environ,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.timeout(300)  # a minute on a machine that has nothing else to do
class TestHistories(Histories.TestCase):  # type: ignore[misc,valid-type]  # made at run time
    """Runs the histories."""


KEEPS = {"a.jpg": 0, "d/b.jpg": 1, "d/x.jpg": 2}
"""Files of a folder to begin with; one of them is excluded once patterns change."""


@pytest.fixture
def history() -> Iterator[Histories]:
    told = Histories()
    yield told
    told.teardown()


@pytest.mark.parametrize("change", ["comes back", "is used", "goes"])
@pytest.mark.parametrize("kind", ["list", "delete"])
def test_what_changes_while_a_deletion_is_under_way(
    history: Histories, kind: str, change: str
) -> None:
    history.begins(mirrors=("2",), copying="copy", files=KEEPS)
    history.something_happens_while_a_call_is_under_way([], kind, 0, "f/a.jpg", 0, change)
    assert history.witness.happened
    history.it_comes_to_rest_and_stays_so(restarts=True)


@pytest.mark.parametrize("change", ["goes", "is used"])
@pytest.mark.parametrize("kind", ["upload", "copy"])
def test_what_changes_while_an_image_is_brought(history: Histories, kind: str, change: str) -> None:
    history.begins(mirrors=(), copying="copy", files=KEEPS)
    history.spring.mirrors, history.reconfigured = ("2",), True
    changes: list[Change] = [("put", "spring", "0.jpg", 3)] if kind == "upload" else []
    history.something_happens_while_a_call_is_under_way(changes, kind, 0, "f/a.jpg", 0, change)
    assert history.witness.happened
    history.it_comes_to_rest_and_stays_so(restarts=True)


@pytest.mark.parametrize("kind", ["upload", "copy", "list", "delete"])
def test_a_crash_when_a_call_is_done(history: Histories, kind: str) -> None:
    history.begins(mirrors=(), copying="copy", files=KEEPS)
    history.spring.mirrors, history.reconfigured = ("2",), True
    history.it_crashes_when_a_call_is_done([("put", "spring", "f/a.jpg", 3)], kind, 0)
    assert history.witness.happened
    history.it_comes_to_rest_and_stays_so(restarts=False)


@pytest.mark.parametrize(
    "changes",
    [
        [("unlink", "spring", 0), ("put", "spring", "f/a.jpg", 0)],
        [("put", "spring", "a.jpg", 3)],
        [("swap_for_a_copy",), ("unlink", "spring", 0)],
        [("empty",)],
        [("use", 0), ("use", 0), ("use", 0), ("unlink", "spring", 0), ("unlink", "spring", 0)],
        [("bring", "3", 3), ("put", "autumn", "a.jpg", 3)],
    ],
    ids=lambda changes: "-".join(change[0] for change in changes),
)
@pytest.mark.parametrize("then", ["scanned", "told", "audits"])
def test_a_change_and_its_end(history: Histories, changes: list[Change], then: Rest) -> None:
    history.begins(mirrors=("2",), copying="copy", files=KEEPS)
    history.things_change(changes, then)
    history.a_day_passes()
    history.things_change([("unlink", "spring", 0), ("unlink", "autumn", 0)], then)
    history.it_comes_to_rest_and_stays_so(restarts=False)


def test_a_changed_pattern_and_a_mirror_taken_out_delete_nothing(history: Histories) -> None:
    history.begins(mirrors=("2", "3"), copying="copy", files=KEEPS)
    history.the_patterns_change([], "scanned")
    history.the_mirrors_are_others((), "copy", [("unlink", "spring", 0)], "scanned")
    held = history.held()
    assert {("2", HASHES[0]), ("2", HASHES[2])} <= held
    assert ("1", HASHES[0]) not in held
    history.the_patterns_change([], "scanned")
    history.it_comes_to_rest_and_stays_so(restarts=True)


def test_a_mirror_that_was_taken_out_keeps_what_was_condemned(history: Histories) -> None:
    history.begins(mirrors=("2",), copying="copy", files=KEEPS)
    history.things_change([("use", 0)] * 6, None)
    history.things_change([("unlink", "spring", 0)], "scanned")
    history.the_mirrors_are_others((), "copy", [("use_no_more", 0)] * 6, "scanned")
    history.a_day_passes()
    history.it_comes_to_rest_and_stays_so(restarts=False)
    assert history.deletions == 1


def test_a_folder_that_keeps_deletes_nothing(history: Histories) -> None:
    history.begins(mirrors=(), copying="copy", files=KEEPS)
    history.things_change([("put", "autumn", f"{number}.jpg", number) for number in (1, 3)], "told")
    history.things_change([("unlink", "autumn", 0)], "scanned")
    history.it_comes_to_rest_and_stays_so(restarts=False)
    assert history.deletions == 0


def test_a_file_that_came_back_withdraws_its_deletion_for_good(history: Histories) -> None:
    history.begins(mirrors=(), copying="copy", files=KEEPS)
    history.things_change([("use", 0), ("use", 0), ("use", 0)], None)
    history.things_change([("unlink", "spring", 2)], "scanned")
    history.things_change([("put", "spring", "x.jpg", 2)], "scanned")
    history.the_patterns_change([("use_no_more", 0)] * 3, "scanned")
    history.a_day_passes()
    history.it_comes_to_rest_and_stays_so(restarts=False)
    assert len(history.held()) == 3


def test_what_somebody_else_brought_before_stays(history: Histories) -> None:
    history.begins(mirrors=(), copying="copy", files={"b.jpg": 1})
    history.things_change([("bring", "1", 0), ("put", "spring", "a.jpg", 0)], "scanned")
    history.things_change([("unlink", "spring", 0)], "scanned")
    assert ("1", HASHES[0]) in history.held()


@pytest.mark.parametrize("first", [0, 4])
def test_an_image_of_two_contents_leaves_with_the_later_one_too(
    history: Histories, first: int
) -> None:
    history.begins(mirrors=(), copying="copy", files={"a.jpg": first, "b.jpg": 1})
    history.a_day_passes()
    history.things_change([("put", "spring", "c.jpg", 4 - first)], "scanned")
    history.things_change([("unlink", "spring", 0)], "scanned")
    assert ("1", HASHES[0]) in history.held()
    history.things_change([("unlink", "spring", 1)], "scanned")
    history.a_day_passes()
    history.it_comes_to_rest_and_stays_so(restarts=False)
    assert ("1", HASHES[0]) not in history.held()


def test_an_image_that_was_removed_by_hand_comes_back_after_an_audit(history: Histories) -> None:
    history.begins(mirrors=("2",), copying="copy", files=KEEPS)
    history.things_change([("remove", 0), ("remove", 2)], "scanned")
    assert len(history.held()) == 4
    history.things_change([], "audits")
    assert len(history.held()) == 6


def test_a_lost_ledger_deletes_nothing_and_makes_no_second_library(history: Histories) -> None:
    history.begins(mirrors=("2",), copying="copy", files=KEEPS)
    held = history.held()
    history.the_ledger_is_lost()
    history.it_comes_to_rest_and_stays_so(restarts=False)
    assert history.held() == held
    assert history.deletions == 0
