"""Histories as a state machine of hypothesis: it chooses what happens next."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from support.history.history import History
from support.history.observer import Interruption
from support.history.strategies import (
    CALLS,
    DIRECTORIES,
    MIRRORS,
    Change,
    Sync,
    changes,
    contents,
    paths,
    syncs,
)

T = TypeVar("T")


class HistoryMachine(RuleBasedStateMachine):
    """One history, whose steps can also be taken by a test."""

    @initialize(
        mirrors=st.sampled_from(MIRRORS),
        copying=st.sampled_from(["copy", "auto"]),
        files=st.dictionaries(paths, contents, min_size=2, max_size=6),
        autumn=st.dictionaries(paths, contents, max_size=3),
        grace=st.sampled_from(["0s", "0s", "12h"]),
    )
    def begin(
        self,
        mirrors: tuple[str, ...],
        copying: str,
        files: dict[str, int],
        autumn: dict[str, int] | None = None,
        grace: str = "0s",
    ) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="syncd-history-"))
        self._runner = asyncio.Runner()
        self.history = History(self._base, mirrors, copying, grace)
        self._run(self.history.begin({"spring": files, "autumn": autumn or {}}))

    def teardown(self) -> None:
        if not hasattr(self, "_runner"):
            return
        try:
            self._run(self.history.end())
        finally:
            self._runner.close()
            shutil.rmtree(self._base)

    def _run(self, task: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(task)

    @rule(changes=changes, sync=syncs)
    def change(self, changes: list[Change], sync: Sync | None) -> None:
        self.history.change(changes)
        if sync is not None:
            self._run(self.history.sync(sync))

    @rule(
        mirrors=st.sampled_from(MIRRORS),
        copying=st.sampled_from(["copy", "copy", "auto", "upload"]),
        changes=changes,
        sync=syncs,
    )
    def change_mirrors(
        self, mirrors: tuple[str, ...], copying: str, changes: list[Change], sync: Sync | None
    ) -> None:
        self.history.spring.mirrors, self.history.copying = mirrors, copying
        self.history.reconfigured = True
        self.change(changes, sync)

    @rule(changes=changes, sync=syncs)
    def change_patterns(self, changes: list[Change], sync: Sync | None) -> None:
        self.change([], sync)
        self.history.spring.excludes = not self.history.spring.excludes
        self.history.reconfigured = True
        self.change(changes, sync)

    @rule(clock_change=st.sampled_from([0.0, 0.0, 0.0, 7200.0, -7200.0]))
    def pass_a_day(self, clock_change: float = 0.0) -> None:
        self._run(self.history.pass_a_day(clock_change))

    @rule(path=paths, content=contents, other=contents, sync=syncs)
    def alternate_contents(self, path: str, content: int, other: int, sync: Sync | None) -> None:
        """Rewrite a file with the same two contents again and again."""
        for its in (content, other, content, other):
            self.change([("put", "spring", path, its)], sync)

    @rule()
    def lose_ledger(self) -> None:
        self._run(self.history.lose_ledger())

    @rule(restarts=st.booleans())
    def sync_and_check_idle(self, restarts: bool) -> None:
        self._run(self.history.sync())
        self._run(self.history.check_idle(restarts=restarts))

    @rule(
        changes=changes,
        kind=st.sampled_from([*CALLS, ""]),
        after=st.integers(0, 2),
        returns=st.booleans(),
    )
    def crash_during_a_call(
        self, changes: list[Change], kind: str, after: int, *, returns: bool = False
    ) -> None:
        """Crash when the call's work is done: everything recorded before is recorded."""
        self._change_for_call(changes, kind, after)
        self._run(self.history.crash(kind, after, returns=returns))

    @rule(directory=st.sampled_from(DIRECTORIES), by_link=st.booleans(), restarts=st.booleans())
    def replace_for_a_while(self, directory: str, *, by_link: bool, restarts: bool) -> None:
        """Replace a directory; the root, always by another directory."""
        self._run(self.history.sync())
        by_link = by_link and directory != ""
        replacing = self.history.replace_for_a_while(directory, by_link=by_link, restarts=restarts)
        self._run(replacing)

    @rule(
        changes=changes,
        kind=st.sampled_from(CALLS),
        after=st.integers(0, 1),
        path=paths,
        content=contents,
        event=st.sampled_from(["put", "put", "unlink", "use", "swap"]),
    )
    def change_during_a_call(
        self, changes: list[Change], kind: str, after: int, *, path: str, content: int, event: str
    ) -> None:
        """Change something when the call's work is done, before its response is sent.

        "put" also writes files of all images that are to be deleted.
        """
        self._change_for_call(changes, kind, after)
        history = self.history

        def change() -> None:
            if event == "put":
                for number, its in enumerate({content, *(c for _, c in history.model.doomed)}):
                    history.folders.put("spring", path.replace(".", f"{number}."), its)
            elif event == "unlink":
                history.folders.unlink("spring", content)
            elif event == "swap":
                history.folders.swap_for_a_copy()
            else:
                history.accounts.use(content)

        interruption = Interruption(kind, after, lambda: history.change_during_calls(change))
        self._run(history.sync(interruption=interruption))

    def _change_for_call(self, changes: list[Change], kind: str, pick: int) -> None:
        self.history.change(changes)
        if kind in ("list", "delete"):
            self.history.folders.unlink("spring", pick)
