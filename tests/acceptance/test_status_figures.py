"""The figures of a large ledger are those that the running daemon has counted."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.process import Ended, syncd
from support.rig import Rig

from syncd.daemon.report import LONG_COUNT, AccountStatus, Report
from syncd.daemon.status_file import DaemonStatus, StatusFile, boot_id, since_boot
from syncd.ledger.database import owned
from syncd.rules.sync import Sync

HELD = 7_777_777


def report(account: str = "main", id_: str = "1") -> Report:
    return Report(
        needs_you=[],
        accounts={
            account: AccountStatus(
                id=id_, wanted=HELD, held=HELD, missing=0, rejected=0, sync=Sync.IN_SYNC,
                rejections=[], troubles=[], limitations=[],
            )
        },
        folders={},
    )  # fmt: skip


def write_status(
    ledger: Path, found: Report | bytes, *, took: float = 1.0, age: float = 1.0
) -> None:
    """Write what a daemon would write that has counted `age` seconds ago, in `took` seconds."""
    encoded = found if isinstance(found, bytes) else msgspec.json.encode(found)
    StatusFile({}, ledger).write(
        DaemonStatus(
            command="run", version="0.1.0", ledger=str(ledger), pid=os.getpid(), boot_id=boot_id(),
            started_at=time.time(), last_activity_at=None, written_at=time.time(),
            written_since_boot=since_boot(), interval=600.0, stopped=False, accounts={},
            counted_at=time.time() - age, count_took=took, report=msgspec.Raw(encoded),
        )
    )  # fmt: skip


@pytest.fixture
async def locked(rig: Rig) -> Rig:
    await syncd(rig, "backfill", "--config", str(rig.write_config()))
    return rig


@pytest.fixture(autouse=True)
def held_lock(locked: Rig) -> Iterator[None]:
    with owned(locked.ledger):
        yield


async def status(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "status", *words, "--config", str(rig.write_config()))


async def account(rig: Rig, name: str = "main") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await status(rig, "--json")).out)["accounts"][name]
    return found


async def test_the_figures_of_a_long_count_are_shown(locked: Rig) -> None:
    write_status(locked.ledger, report())
    assert (await account(locked))["held"] == HELD
    shown = (await status(locked)).out
    assert f"{HELD:,}" in shown
    assert " old" not in shown


async def test_the_age_of_old_figures_is_shown(locked: Rig) -> None:
    write_status(locked.ledger, report(), age=600)
    assert "the figures are 10 min old\n" in (await status(locked)).out


async def test_a_small_ledger_is_counted_instead(locked: Rig) -> None:
    write_status(locked.ledger, report(), took=LONG_COUNT / 2)
    assert (await account(locked))["held"] == 0


async def test_a_pause_of_this_moment_is_shown_with_the_figures_of_the_file(locked: Rig) -> None:
    write_status(locked.ledger, report())
    paused = await syncd(
        locked, "pause", "main", "--why", "frozen", "--config", str(locked.write_config())
    )
    assert paused.code == 0, paused.err
    found = await account(locked)
    assert found["held"] == HELD
    assert "frozen" in found["pause"]["why"]


@pytest.mark.parametrize(
    "other",
    [report("eu"), report(id_="2"), b'{"accounts": 7}', b"null"],
    ids=["name", "id", "version", "none"],
)
async def test_a_report_of_other_accounts_or_another_version_is_not_shown(
    locked: Rig, other: Report | bytes
) -> None:
    write_status(locked.ledger, other)
    assert (await account(locked))["held"] == 0
