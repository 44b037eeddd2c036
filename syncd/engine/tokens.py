"""The credentials of the accounts: reading them, noticing new ones, and checking each token."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog

from syncd.config import AccountConfig
from syncd.engine.counters import CallKind
from syncd.engine.health import UNREADABLE, AccountHealth, Stop, stop_together
from syncd.engine.lane import Lane
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Usage
from syncd.log import Log, elapsed
from syncd.model import AccountId
from syncd.rules.backoff import retry_delay
from syncd.rules.errors import Verdict, judge
from syncd.rules.pacing.budget import READ
from syncd.threads import run_in_thread

log: Log = structlog.get_logger()

POLL_INTERVAL = 1.0
"""Seconds between two reads of the credentials."""

NO_CREDENTIALS = (
    "fix the problem in `why`: a file is read again automatically; for anything else, run"
    " `syncd retry` or restart"
)
"""The remedy while an account has no credentials."""

_LONGEST_RETRY = 30.0  # seconds between two checks of a token: the start of the service waits


class OpenAccount(Protocol):
    """Reads an account's credentials, or returns why that fails; blocks as reading a file does."""

    def __call__(self, account: AccountConfig, /, *, again: bool = False) -> Credentials | str:
        """Read the credentials; `again` also runs a program again whose output is known."""


Saved = tuple[tuple[int, int] | None, ...]
"""Inode and modification time, in nanoseconds, of an account's files; None: not there."""


class Tokens:
    """The credentials of all accounts; a token that is replaced ends the stop of its accounts."""

    def __init__(
        self,
        lanes: Mapping[AccountId, Lane],
        configs: Iterable[AccountConfig],
        open_account: OpenAccount,
        client: GraphClient,
        files: Mapping[AccountId, Sequence[str]],
        on_change: Callable[[], None],
    ) -> None:
        """`files` are the paths of each account's secrets, as far as they are files.

        `on_change` is called when a token was replaced or saved again.
        """
        self._lanes = lanes
        self._configs = {config.id: config for config in configs}
        self._open_account = open_account
        self._client = client
        self._files = files
        self._on_change = on_change
        self._saved: dict[AccountHealth, Saved] = {}

    async def read(self, lanes: Iterable[Lane], *, again: bool = False) -> dict[AccountHealth, str]:
        """Read the credentials of accounts; return why they cannot be read, where that fails.

        With `again`, the program that prints a token runs again, once for all accounts that use it.
        """
        reasons: dict[AccountHealth, str] = {}
        read = set[tuple[object, object]]()
        for lane in lanes:
            config = self._configs[lane.account]
            sources = config.token, config.app_secret
            is_new = again and sources not in read
            read.add(sources)
            credentials, saved = await run_in_thread(
                partial(self._read, lane.account, again=is_new)
            )
            self._saved[lane.health] = saved
            if isinstance(credentials, str):
                reasons[lane.health] = credentials
            else:
                lane.health.credentials = credentials
        return reasons

    async def watch(self) -> None:
        """Read the credentials again and again, until cancelled.

        New ones are used; a file that is saved again, with whatever content, ends the stop of its
        accounts. An account whose credentials cannot be read is stopped until they can; a
        file that is being written may be empty for one read.
        """
        known: dict[AccountHealth, str] = {}
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            found = await run_in_thread(self._read_all)
            changed: list[AccountHealth] = []
            reasons: dict[AccountHealth, str] = {}
            for health, (read, saved) in found.items():
                # All before the first await: accounts with one token stop as one.
                if isinstance(read, str):
                    reasons[health] = read
                    continue
                is_saved = saved != self._saved.get(health, saved) and health.stopped is not None
                self._saved[health] = saved
                if read != health.credentials or is_saved:
                    health.credentials = read
                    changed.append(health)
            for health in changed:
                log.notice("token.changed", account=health.name, duration=await health.reopen())
            if changed:
                self._on_change()
            await stop_unreadable({h: why for h, why in reasons.items() if known.get(h) == why})
            known = reasons

    def _read_all(self) -> dict[AccountHealth, tuple[Credentials | str, Saved]]:
        """Read all credentials, or why they cannot be read, and when their files were saved."""
        return {lane.health: self._read(account) for account, lane in self._lanes.items()}

    def _read(self, account: AccountId, *, again: bool = False) -> tuple[Credentials | str, Saved]:
        saved = tuple(_saved(path) for path in self._files.get(account, ()))
        return self._open_account(self._configs[account], again=again), saved

    async def probe(self, lane: Lane) -> None:
        """Send one read to an account if it is stopped, and reopen it if that succeeds."""
        credentials, gate = lane.health.credentials, lane.gate
        if lane.health.stopped is None or credentials is None:
            return
        if gate.is_locked or not gate.is_shut:
            return
        call = await lane.pacer.turn_for(READ)
        lane.counters.calls += 1
        try:
            await self._client.account(lane.account, credentials)
        except GraphError as error:  # the stop continues, and was logged
            await lane.finish_call(CallKind.READ, call, error.usage, error=error.api_error)
            return
        await lane.finish_call(CallKind.READ, call, Usage())
        if credentials == lane.health.credentials:
            await lane.health.on_probe(is_idle=lane.queue.is_idle and not lane.delayed)

    async def check(self, on_failure: Callable[[str], None]) -> None:
        """Return once the API has accepted or rejected each token.

        `on_failure` is called with the reason each time that a check fails temporarily.
        """
        checked: set[Credentials] = set()
        for lane in self._lanes.values():
            credentials = lane.health.credentials
            if credentials is not None and credentials not in checked:
                checked.add(credentials)
                await self._check(lane, on_failure)

    async def _check(self, lane: Lane, on_failure: Callable[[str], None]) -> None:
        """Request the owner of the account's token until there is a response.

        The token of an account that is shut has been checked, and the result was logged.
        """
        tries, since = 0, 0.0
        while (credentials := lane.health.credentials) is not None and not lane.gate.is_shut:
            try:
                owner = await self._client.me(credentials)
            except GraphError as error:
                verdict = judge(error.api_error)
                # A missing permission is not about the token: uploads show what the account allows.
                if verdict not in (Verdict.RETRY, Verdict.STOP_ACCOUNT):
                    verdict = await lane.health.on_error(error, credentials)
                if verdict is not Verdict.RETRY:
                    break
                why = str(error.api_error)
            else:
                waited = elapsed(since, time.time()) if tries else None
                user = owner.name or owner.id
                log.notice("token.accepted", account=lane.name, user=user, duration=waited)
                return
            tries += 1
            if tries == 1:
                since = time.time()
                log.warning("token.unchecked", account=lane.name, why=why)
            on_failure(why)
            delay = retry_delay(tries, random.random())  # noqa: S311  jitter
            await asyncio.sleep(min(_LONGEST_RETRY, delay))
        if tries:
            log.notice("token.checked", account=lane.name, duration=elapsed(since, time.time()))


def _saved(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


async def stop_unreadable(
    reasons: Mapping[AccountHealth, str], since: Mapping[AccountHealth, float] | None = None
) -> None:
    """Stop accounts whose credentials cannot be read: those with one reason stop as one.

    `since` is in unix seconds, for stops that an earlier process has recorded.
    """
    for why in dict.fromkeys(reasons.values()):
        healths = [health for health in reasons if reasons[health] == why]
        now = time.time()
        stop = Stop(
            kind=UNREADABLE,
            why=why,
            since=min((since or {}).get(health, now) for health in healths),
            remedy=NO_CREDENTIALS,
            accounts=tuple(health.name for health in healths),
        )
        for health in healths:
            health.credentials = None
        await stop_together(stop, healths)
