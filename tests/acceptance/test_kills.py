"""A daemon that is killed again and again loses nothing, and deletes nothing that is wanted.

30 kills take about two minutes: 18 right after the server had executed a call, 270 operations, 74
deletions, each of them judged. EXPLORE=1 runs them, KILLS and SEED choose others. In one of five
runs, an account kept one image that no file needed any longer, without a deletion in the ledger.
"""

import os
from pathlib import Path

import pytest
from support.kill_harness import ACCOUNTS, KINDS, Harness

from syncd.sandbox.server import Sandbox

KILLS = int(os.environ.get("KILLS", "30"))


@pytest.mark.timeout(3600)
@pytest.mark.skipif("EXPLORE" not in os.environ, reason="EXPLORE=1 runs it: 30 kills, 2 minutes")
async def test_accounts_hold_what_the_folder_has_after_many_kills(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    harness = Harness(tmp_path, sandbox, int(os.environ.get("SEED", "1")))
    result = await harness.run(KILLS)
    unrecorded = sum(len(harness.unrecorded(account)) for account in ACCOUNTS)
    print(result, f"unrecorded={unrecorded}")
    assert harness.is_settled()
    assert result.wrong == []
    assert result.judged > 0
    assert all(result.in_call[kind] for kind in KINDS)
    await harness.check_ledger()
