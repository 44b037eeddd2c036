"""Daemons that start with altered ledgers: each works or reports damage, and deletes nothing."""

# ruff: noqa: ASYNC240  blocking the loop of a test delays nothing

import asyncio
import random
from pathlib import Path

import pytest
from support.altered import PAGE, altered
from support.fuzz import EXPLORING
from support.pictures import picture
from support.process import running
from support.rig import Rig, rig_without_grace, until

from syncd.sandbox.server import Sandbox

ROUNDS = 100 if EXPLORING else 1
DAEMONS = 6  # of one round, at once
FILES = 24
KINDS = (0, 1, 2, 2, 2, 3, 5)
"""The kinds of changes after which some ledgers can still be opened."""


async def daemon(rig: Rig, ledger: bytes, directory: Path) -> tuple[int, str]:
    """Run a daemon with this ledger during three scans; return its exit code and its log."""
    directory.mkdir()
    (directory / "ledger.db").write_bytes(ledger)
    config = directory / "config.toml"
    config.write_text(
        rig.write_config().read_text().replace(str(rig.ledger), f"{directory}/ledger.db")
    )
    async with running(rig, "run", "--config", str(config)) as started:
        await until(
            lambda: started.count("scan.done") > 2 or started.process.returncode is not None, 60
        )
        return await started.end(), "\n".join(started.lines)


@pytest.mark.fuzz
@pytest.mark.timeout(60 * ROUNDS + 60)
async def test_a_daemon_with_an_altered_ledger_deletes_nothing_and_ends_without_a_traceback(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(tmp_path, sandbox)
    contents = [picture(number, width=8, height=8) for number in range(FILES)]
    for number, content in enumerate(contents):
        rig.write(f"{number}.jpg", content)
    await rig.backfill()
    ledger = rig.ledger.read_bytes()
    pages = len(ledger) // PAGE
    for seed in range(ROUNDS):
        chosen = random.Random(seed)
        changed = [
            altered(
                ledger,
                [
                    (
                        chosen.choice(KINDS),
                        chosen.randrange(2 * pages, 2**32),
                        chosen.getrandbits(32),
                    )
                    for _ in range(chosen.randint(1, 3))
                ],
            )
            for _ in range(DAEMONS)
        ]
        ended = await asyncio.gather(
            *(
                daemon(rig, content, tmp_path / f"{seed}.{number}")
                for number, content in enumerate(changed)
            )
        )
        for code, log in ended:
            assert code in {0, 65, 75}, log
            assert "Traceback" not in log
        print([code for code, _ in ended])
        assert sandbox.counts.calls("1", "delete") == 0
        assert all(rig.holds(content) for content in contents)
