"""Whether a process works on a ledger: every combination of its status file and the lock."""

from collections.abc import Callable

import pytest

from syncd.daemon.status_file import MISSED, DaemonStatus, Liveness, boot_id, liveness, since_boot

INTERVAL = 5.0


def status(age: float, *, stopped: bool = False, boot: str | None = None) -> DaemonStatus:
    return DaemonStatus(
        command="run",
        version="0.1.0",
        ledger="/ledger.db",
        pid=1,
        boot_id=boot if boot is not None else boot_id(),
        started_at=0.0,
        last_activity_at=None,
        written_at=0.0,
        written_since_boot=since_boot() - age,
        interval=INTERVAL,
        stopped=stopped,
        accounts={},
    )


FRESH, STALE = INTERVAL, MISSED * INTERVAL + 60
STATUSES: dict[str, Callable[[], DaemonStatus | None]] = {  # as it is when a test asks
    "none": lambda: None,
    "fresh": lambda: status(FRESH),
    "stale": lambda: status(STALE),
    "stopped": lambda: status(FRESH, stopped=True),
    "of an earlier boot": lambda: status(FRESH, boot="another"),
    "from the future": lambda: status(-3600),
}
EXPECTED = {
    ("none", True): Liveness.SILENT,
    ("none", False): Liveness.STOPPED,
    ("none", None): Liveness.UNKNOWN,
    ("fresh", True): Liveness.RUNNING,
    ("fresh", False): Liveness.STOPPED,
    ("fresh", None): Liveness.RUNNING,
    ("stale", True): Liveness.SILENT,
    ("stale", False): Liveness.STOPPED,
    ("stale", None): Liveness.STOPPED,
    ("stopped", True): Liveness.SILENT,
    ("stopped", False): Liveness.STOPPED,
    ("stopped", None): Liveness.STOPPED,
    ("of an earlier boot", True): Liveness.SILENT,
    ("of an earlier boot", False): Liveness.STOPPED,
    ("of an earlier boot", None): Liveness.STOPPED,
    ("from the future", True): Liveness.SILENT,
    ("from the future", False): Liveness.STOPPED,
    ("from the future", None): Liveness.STOPPED,
}


def test_the_table_has_every_combination() -> None:
    assert set(EXPECTED) == {(name, locked) for name in STATUSES for locked in (True, False, None)}


@pytest.mark.parametrize(("name", "locked"), EXPECTED)
def test_a_process_is_running_if_it_has_the_lock_and_reports(
    name: str, locked: bool | None
) -> None:
    assert liveness(STATUSES[name](), locked=locked) is EXPECTED[name, locked]
