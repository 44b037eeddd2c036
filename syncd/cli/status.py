"""`syncd status`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import msgspec

from syncd.cli.console import print_json, print_line, print_styled, terminal_width
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.options import load_config
from syncd.cli.selected import selected
from syncd.cli.status_files import Kind, print_files
from syncd.cli.status_view import Status, view
from syncd.config import Config
from syncd.config.selection import Selection
from syncd.daemon import report, status_file
from syncd.daemon.status_file import DaemonStatus, Liveness
from syncd.ledger.file import reading
from syncd.rules.forecast import amount
from syncd.wording.daemon import OTHER_USER, DaemonReport, read_daemon, sentence


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `syncd status`."""

    json: bool = False
    check: bool = False
    watch: bool = False
    files: Kind | None = None
    accounts: tuple[str, ...] = ()  # all, unless one or a folder is named
    folders: tuple[str, ...] = ()


def status(config: Path, options: Options) -> None:
    """Print whether the daemon runs, what needs the operator, and each account and folder."""
    settings = load_config(config)
    part = selected(settings, options.accounts, options.folders)
    if options.files is not None:
        print_files(options.files, settings, part, json=options.json)
    elif options.watch:
        from syncd.cli.watch import watch  # noqa: PLC0415  no other form needs it

        watch(lambda width: view(_read(settings, part, *_daemon(settings)), config, width))
    elif options.check:
        sys.exit(_check(settings, part, config))
    elif options.json:
        print_json(_read(settings, part, *_daemon(settings)))
    else:
        found = _read(settings, part, *_daemon(settings))
        print_styled(view(found, config, terminal_width()))


def _daemon(settings: Config) -> tuple[DaemonReport, DaemonStatus | None]:
    """Return whether the daemon runs, and what it has written."""
    path = settings.ledger.path
    written = status_file.find(os.environ, path)
    return read_daemon(path, written), written


def _check(settings: Config, part: Selection, config: Path) -> Exit:
    """Print the state in one line; return the exit code."""
    daemon, written = _daemon(settings)
    if not daemon.is_running:
        print_line(sentence(daemon, config))
        return Exit.SYSTEM if daemon.state is Liveness.UNKNOWN else Exit.NOT_RUNNING
    found = _read(settings, part, daemon, written)
    if found.needs_you:
        first, *others = found.needs_you
        more = f" (and {amount(len(others), 'other alert')})" if others else ""
        print_line(f"needs you: {first.subject}: {first.why}{more}")
        return Exit.NOT_ALL
    missing = sum(account.missing for account in found.accounts.values())
    print_line(f"running, {amount(missing, 'image')} missing" if missing else "running, in sync")
    return Exit.DONE


def _read(
    settings: Config, part: Selection, daemon: DaemonReport, written: DaemonStatus | None
) -> Status:
    """Return the status from the ledger, or for those who may not read it from the daemon."""
    path = settings.ledger.path
    try:
        with ledger_required(), reading(path) as db:
            names = settings.names()
            found, counted_at = report.from_ledger(
                db, names, written if daemon.is_running else None
            )
    except PermissionError as error:
        counted = report.counted(written)
        if counted is None:
            why = (error.strerror or str(error)).lower()
            fail(
                f"cannot read {path} ({why}), and {_why_not_counted(written)}",
                Exit.SYSTEM,
            )
        found, counted_at = counted
        found = report.without_ended_pauses(found, time.time())
    if not part.is_all(settings):
        found = report.selected(found, part.accounts, part.folders)
    return Status(
        daemon=daemon,
        counted_at=counted_at,
        needs_you=found.needs_you,
        accounts=found.accounts,
        folders=found.folders,
    )


def _why_not_counted(written: DaemonStatus | None) -> str:
    if written is not None and written.is_fresh:
        return "its daemon, which is starting, has not counted it yet: try again in some seconds"
    return f"found no status of its daemon that this user may read: {OTHER_USER}"
