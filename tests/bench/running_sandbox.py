"""The sandbox in a child process, and its counts for account 1."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.daemon import syncd
from bench.processes import ROOT, environ


@dataclass(frozen=True)
class Account:
    """The counts of the sandbox for account 1."""

    accepted: int  # uploads
    throttled: int  # calls
    while_blocked: int
    blocked: bool


@dataclass(frozen=True)
class RunningSandbox:
    """The address of a running sandbox."""

    url: str

    def account(self) -> Account:
        with urllib.request.urlopen(f"{self.url}/sandbox.json") as response:
            accounts: list[dict[str, Any]] = json.load(response)["accounts"]
        for found in accounts:
            throttled = sum(found["errors"].values())
            uploads = found["calls"].get("upload", 0)
            blocked = found["blocked_by"] is not None
            return Account(uploads - throttled, throttled, found["while_blocked"], blocked)
        return Account(0, 0, 0, blocked=False)


@contextmanager
def sandbox(*words: str) -> Iterator[RunningSandbox]:
    """Run `syncd sandbox` with these options."""
    command = syncd("sandbox", "--port", "0", "--json", *words)
    process = subprocess.Popen(command, cwd=ROOT, env=environ(), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield RunningSandbox(json.loads(process.stdout.readline())["url"])
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
