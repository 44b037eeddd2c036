"""A daemon that is killed again and again loses nothing, and deletes nothing that is wanted."""

import os
from pathlib import Path

import pytest
from support.kill_harness import Harness

from syncd.sandbox.server import Sandbox


@pytest.mark.timeout(7200)
@pytest.mark.skipif("EXPLORE" not in os.environ, reason="EXPLORE=1 runs it: 500 kills, 20 minutes")
@pytest.mark.parametrize("seed", [1, 2])
async def test_accounts_hold_what_the_folder_has_after_many_kills(
    tmp_path: Path, sandbox: Sandbox, seed: int
) -> None:
    harness = Harness(tmp_path, sandbox, seed)
    result = await harness.run(int(os.environ.get("KILLS", "250")))
    print(result, f"unknown={harness.unknown()}")
    assert harness.differences() == {}
    assert result.wrong == []
    assert result.in_call > 0
    assert result.deletions > 0
    await harness.check_ledger()
