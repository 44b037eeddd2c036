"""Responses with texts that are not what they should be: hashes, secrets, megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.foreign_server import Behaviour, ForeignServer, error
from support.foreign_server.server import TOKEN
from support.foreign_trial import Trial, file_names, run_trial

from syncd.ledger.backup import back_up

IMAGES = 120
SHARED = 3  # POSTs of 50 that hold them all
WORKERS = 4

HASHES = {
    "none": None,
    "text": "Please log in at https://proxy.example",
    "escapes": "\x1b[2J\x1b[H",
    "too long": "a" * 129,
}


WITH_ERROR = "SELECT count(*) FROM replica WHERE last_error IS NOT NULL"


def failing(logs: Sequence[Any]) -> list[Any]:
    return [entry for entry in logs if entry["event"] == "account.failing"]


def ledger_size(path: Path) -> int:
    """Return the bytes of the ledger and its WAL."""
    return sum(file.stat().st_size for file in path.glob("ledger.db*"))


def files_with(path: Path, text: bytes) -> list[Path]:
    """Return the ledgers and backups that contain a text."""
    return [file for file in path.glob("*.db*") if text in file.read_bytes()]


@pytest.mark.usefixtures("fast_retries")
@pytest.mark.parametrize("value", HASHES)
async def test_responses_without_hashes_are_one_event_and_few_posts(
    tmp_path: Path, value: str
) -> None:
    behaviour = Behaviour(entry=lambda full: full | {"hash": HASHES[value]})
    async with ForeignServer(behaviour) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(IMAGES))
        with capture_logs() as logs:
            await trial.backfill(until=lambda: bool(failing(logs)))
        (event,) = failing(logs)
        assert event["log_level"] == "warning"
        assert trial.held() == {}
        assert len(server.posts) <= SHARED + WORKERS + 10


@pytest.mark.usefixtures("fast_retries")
async def test_a_message_of_megabytes_for_many_images_leaves_the_ledger_small(
    tmp_path: Path,
) -> None:
    reply = error(500, 1, message="x" * 2_000_000, error_user_title="t" * 1_000_000)
    async with ForeignServer(Behaviour(rejects=lambda _post: reply)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(50))
        with capture_logs() as logs:
            await trial.backfill(until=lambda: trial.query(WITH_ERROR) == [(50,)])
    assert ledger_size(tmp_path) < 1_000_000
    assert max(len(repr(entry)) for entry in logs) < 5_000


async def test_a_token_that_the_server_repeats_reaches_no_file_and_no_log(tmp_path: Path) -> None:
    reply = error(
        400, 190, message=f"Malformed access token {TOKEN}", error_user_title=f"<{TOKEN}>"
    )
    async with ForeignServer(Behaviour(rejects=lambda _post: reply)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(3))
        with capture_logs() as logs:
            await trial.backfill()
    back_up(tmp_path / "ledger.db", tmp_path / "backup.db", lambda _done: None)
    ((why,),) = trial.query("SELECT why FROM pause")
    assert "Malformed access token ***" in why
    assert any("***" in repr(entry) for entry in logs)
    assert TOKEN not in repr(logs)
    assert files_with(tmp_path, TOKEN.encode()) == []


async def test_a_response_with_a_bom_is_read(tmp_path: Path) -> None:
    trial = await run_trial(tmp_path, Behaviour(bom=True))
    assert len(trial.server.posts) == 1
