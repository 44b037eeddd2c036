"""Whether the daemon runs, as `syncd status` shows it."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from syncd.daemon import status_file
from syncd.daemon.status_file import AccountActivity, DaemonStatus, Liveness
from syncd.ledger.lock import is_in_use
from syncd.wording.figures import format_duration, format_time

OTHER_USER = "run this as root or the daemon's user, or join the group of /run/syncd (syncd)"


class DaemonReport(msgspec.Struct, kw_only=True):
    """The daemon in the output of --json; times in unix seconds, None where unknown."""

    state: Liveness
    command: str | None  # run or backfill
    version: str | None
    pid: int | None
    started_at: float | None
    last_activity_at: float | None
    reported_at: float | None  # the last sign of life
    stopped: bool  # it ended as the operator asked, or its work was complete
    accounts: dict[str, AccountActivity] = msgspec.field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether it runs, and reports."""
        return self.state is Liveness.RUNNING


def read_daemon(ledger: Path, status: DaemonStatus | None) -> DaemonReport:
    """Return the state of the process that works on this ledger, and has written this status."""
    try:
        locked: bool | None = is_in_use(ledger)
    except FileNotFoundError:
        locked = False
    except OSError:  # not for this user
        locked = None
    state = status_file.liveness(status, locked=locked)
    return DaemonReport(
        state=state,
        command=None if status is None else status.command,
        version=None if status is None else status.version,
        pid=None if status is None else status.pid,
        started_at=None if status is None else status.started_at,
        last_activity_at=None if status is None else status.last_activity_at,
        reported_at=None if status is None else status.written_at,
        stopped=status is not None and status.stopped,
        accounts=_activity(status, state),
    )


def _activity(status: DaemonStatus | None, state: Liveness) -> dict[str, AccountActivity]:
    return {} if status is None or state is not Liveness.RUNNING else status.accounts


def sentence(daemon: DaemonReport, config: Path) -> str:
    """Return whether the daemon runs, and what to do if not."""
    what = "a backfill" if daemon.command == "backfill" else "syncd"
    match daemon.state:
        case Liveness.RUNNING:
            return f"{what} is running{_details(daemon)}"
        case Liveness.SILENT if daemon.reported_at is None or daemon.stopped:
            return "another syncd command uses the ledger, and the daemon is not running"
        case Liveness.SILENT:
            silent = format_duration(time.time() - (daemon.reported_at or 0.0))
            return (
                f"{what} does not respond: process {daemon.pid} has not reported for {silent};"
                " see its log, and whether the disk of the ledger responds"
            )
        case Liveness.STOPPED:
            return f"syncd is not running{_end(daemon)}; {_start(config)}"
        case Liveness.UNKNOWN:
            return (
                "cannot see whether syncd runs: this user may read neither the ledger nor a status"
                f" file of its daemon; {OTHER_USER}"
            )


def _details(daemon: DaemonReport) -> str:
    since = format_time(daemon.started_at or 0.0)
    details = [f"version {daemon.version}", f"process {daemon.pid}"]
    if daemon.last_activity_at is not None:
        ago = format_duration(time.time() - daemon.last_activity_at)
        details.append(f"last activity {ago} ago")
    return f" since {since} ({', '.join(details)})"


def _end(daemon: DaemonReport) -> str:
    if daemon.reported_at is None:
        return ""
    at = format_time(daemon.reported_at)
    if daemon.command == "backfill":
        return (
            f"; a backfill ended at {at}" if daemon.stopped else f"; a backfill broke off at {at}"
        )
    return f" since {at}" if daemon.stopped else f": it crashed or was killed after {at}"


def _start(config: Path) -> str:
    return f"start it with `systemctl start syncd`, or `syncd run --config {config}`"
