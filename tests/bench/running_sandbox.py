"""The sandbox in a process of its own, and what it says of the account that is worked on."""

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
    """What the sandbox counted of account 1; `taken` are the uploads that were not refused."""

    taken: int
    refused: int
    while_blocked: int
    blocked: bool


@dataclass(frozen=True)
class RunningSandbox:
    """Where it listens."""

    url: str

    def account(self) -> Account:
        with urllib.request.urlopen(f"{self.url}/sandbox.json") as answer:
            accounts: list[dict[str, Any]] = json.load(answer)["accounts"]
        for found in accounts:
            refused = sum(found["refusals"].values())
            uploads = found["calls"].get("upload", 0)
            blocked = found["blocked_by"] is not None
            return Account(uploads - refused, refused, found["while_blocked"], blocked)
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
