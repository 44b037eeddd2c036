"""A daemon that is killed again and again loses nothing, and deletes nothing that is wanted.

30 kills took 88 to 139 s on two cores with a load of 6 to 9. EXPLORE=1 runs 500 kills; KILLS, SEED
and WORKERS (of an account) choose others. Each deletion is judged by the scans of its process. A
kill may cost each worker of an account one repeated call, and nothing else may repeat one.

1,000 kills, 250 each with the seeds 1 to 4 and 1, 1, 4 and 4 workers, took 17 minutes side by side:
no image was lost, no wanted one was deleted, none stayed, and no kill repeated more than one call
of an account. tests/bench/README.md, "Long runs", has the figures. Earlier runs found five defects:
`test_unanswered`, `test_directories` and `test_history` have them.
"""

import os
from pathlib import Path

import pytest
from support.kill_harness import KINDS, Harness
from support.settled import check_ledger

from syncd.sandbox.server import Sandbox

SEED = int(os.environ.get("SEED", "1"))
WORKERS = int(os.environ.get("WORKERS", "1"))
KILLS = int(os.environ.get("KILLS", "500" if "EXPLORE" in os.environ else "30"))


@pytest.mark.kills
@pytest.mark.timeout(30 * KILLS)
async def test_accounts_hold_what_the_folder_has_after_many_kills(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    harness = Harness(tmp_path, sandbox, SEED, WORKERS)
    result = await harness.run(KILLS)
    repeats = harness.repeats
    print(result, repeats.summary())
    assert harness.is_settled()
    assert result.wrong == []
    assert result.after_scan > 0
    assert all(result.in_call[kind] for kind in KINDS)
    assert repeats.without_a_kill == []
    assert 0 < repeats.most() <= WORKERS
    await check_ledger(harness.rig)
    assert harness.images_by_activity() == harness.images_by_history() != []
