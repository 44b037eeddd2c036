"""The output of `syncd status` as lines for a terminal, or for a pipe."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from syncd.cli.console import WIDTH, Colour, Line
from syncd.daemon.report import AccountStatus, FolderStatus, Report
from syncd.daemon.status_file import INTERVAL, MISSED, AccountActivity, Liveness
from syncd.folders import skipped
from syncd.ledger import folders, queries
from syncd.ledger.alerts import Alert
from syncd.ledger.limitations import LearnedLimitation
from syncd.rules.forecast import amount
from syncd.rules.limitation import What
from syncd.wording.account import Level, state
from syncd.wording.daemon import DaemonReport, sentence
from syncd.wording.figures import format_duration, format_time
from syncd.wording.file_counts import unread

_NARROW = 70
"""Columns of a terminal below which each account is a card instead of a line of a table."""

_INDENT = 4
"""Columns before the other lines of a sentence."""

_ALERT, _WARNING, _GOOD = Colour.RED, Colour.YELLOW, Colour.GREEN

_COLOURS = {
    Level.GOOD: _GOOD,
    Level.PLAIN: None,
    Level.WARNING: _WARNING,
    Level.ALERT: _ALERT,
}

_LIVENESS = {
    Liveness.RUNNING: _GOOD,
    Liveness.SILENT: _ALERT,
    Liveness.STOPPED: _ALERT,
    Liveness.UNKNOWN: _ALERT,
}


class Status(Report, frozen=True, kw_only=True):
    """What `syncd status` shows, and its output with --json; `counted_at` is in unix seconds."""

    daemon: DaemonReport
    counted_at: float


def view(found: Status, config: Path, width: int | None) -> Iterator[Line]:
    """Yield the lines: the daemon, alerts, accounts, then folders.

    `width` is in columns; None: not a terminal, where only sentences are wrapped.
    """
    daemon = found.daemon
    yield from _sentence(sentence(daemon, config), width, colour=_LIVENESS[daemon.state])
    age = time.time() - found.counted_at
    if age > MISSED * INTERVAL:
        yield from _sentence(f"the figures are {format_duration(age)} old", width, colour=_WARNING)
    for alert in found.needs_you:
        yield from _alert(alert, width)
    if found.needs_you:
        yield Line("")
    yield from _accounts(found.accounts, daemon.accounts, width)
    for name, account in found.accounts.items():
        yield from _notes(name, account, width)
    for name, folder in found.folders.items():
        yield from _folder(name, folder, width)


def _accounts(
    accounts: Mapping[str, AccountStatus],
    activities: Mapping[str, AccountActivity],
    width: int | None,
) -> Iterator[Line]:
    """Yield a line for each account: its name, figures in columns, and its state; or a card."""
    names = ("wanted", "held", "missing", "rejected")
    rows = [
        (
            name,
            [f"{one.wanted:,}", f"{one.held:,}", f"{one.missing:,}", f"{one.rejected:,}"],
            state(one, activities.get(name)),
        )
        for name, one in accounts.items()
    ]
    if width is not None and width < _NARROW:
        for name, figures, (text, level) in rows:
            yield from _row(f"{name}: {text}", width, colour=_COLOURS[level], after=len(name) + 2)
            texts = (f"{what} {figure}" for what, figure in zip(names, figures, strict=True))
            yield from _row(f"    {' · '.join(texts)}", width)
        return
    if not rows:
        return
    longest = max(len("account"), *(len(name) for name, _, _ in rows))
    columns = [
        max(map(len, column)) for column in zip(names, *(row[1] for row in rows), strict=True)
    ]
    yield from _row(f"{_columns('account', longest, names, columns)}state", width)
    for name, figures, (text, level) in rows:
        begin = _columns(name, longest, figures, columns)
        colour = _COLOURS[level]
        yield from _row(begin + text, width, colour=colour, after=len(begin), indent=len(begin))


def _columns(name: str, longest: int, texts: tuple[str, ...] | list[str], widths: list[int]) -> str:
    figures = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
    return "  ".join((name.ljust(longest), *figures, ""))


def _alert(alert: Alert, width: int | None) -> Iterator[Line]:
    since = format_time(alert.since)
    label = "needs you:"
    text = f"{label} {alert.subject}: {alert.why} ({alert.event}, since {since})"
    yield from _sentence(text, width, colour=_ALERT, until=len(label))
    if len(alert.accounts) > 1:
        yield from _sentence(f"accounts: {', '.join(alert.accounts)}", width, first="    ")
    yield from _sentence(f"do: {alert.remedy}", width, first="    ")


def _notes(name: str, account: AccountStatus, width: int | None) -> Iterator[Line]:
    """Yield why images of an account are not held, and what it does not take."""
    for count in account.rejections:
        yield from _row(f"{name}: rejected {amount(count.count, 'image')}: {count.reason}", width)
    for count in account.troubles:
        failed = amount(count.count, "image")
        yield from _row(f"{name}: {failed} failed so far: {count.reason}", width)
    for learned in account.limitations:
        yield from _row(f"{name}: {_limitation(learned)}", width)
    if queries.MOST_REASONS in (len(account.rejections), len(account.troubles)):
        yield from _row(f"{name}: `syncd export` has the reason of every image", width)


def _limitation(learned: LearnedLimitation) -> str:
    source = "" if learned.source is None else f" from {learned.source}"
    times = f"since {format_time(learned.since)}, tried again {format_time(learned.retry_at)}"
    return f"{learned.what}{source}: {What(learned.what).why}; {times}"


def _folder(name: str, folder: FolderStatus, width: int | None) -> Iterator[Line]:
    begin = f"folder {name}: "
    when = f"scanned {format_time(folder.scanned_at)}" if folder.scanned_at else "not scanned yet"
    yield from _row(f"{begin}{amount(folder.files, 'file')}, {when} ({folder.path})", width)
    for trouble in _troubles(folder):
        yield from _row(begin + trouble, width, colour=_WARNING, after=len(begin))
    if folder.skipped:
        counts = skipped.sentence(queries.by_reason(folder.skipped))
        yield from _sentence(f"{begin}skipped {counts}", width)
    if folder.deletions_held:
        images = amount(folder.deletions_held, "image")
        text = f"{begin}{images} held for you to decide: see `syncd deletions`"
        yield from _row(text, width, colour=_WARNING, after=len(begin))


def _troubles(folder: FolderStatus) -> Iterator[str]:
    if folder.doubt:
        is_missing = folder.doubt == folders.MISSING
        advice = folders.REMEDY_OF_MISSING if is_missing else "see `syncd deletions`"
        yield f"{folder.doubt}: {advice}"
    if folder.trouble:
        yield folder.trouble
    yield from unread(folder.unreadable, folder.unfinished)


def _row(
    text: str,
    width: int | None,
    *,
    colour: Colour | None = None,
    after: int = 0,
    indent: int = _INDENT,
) -> Iterator[Line]:
    """Yield a line, wrapped only if a terminal is narrower; the colour begins `after` columns.

    `indent` is the column at which the other lines begin.
    """
    if width is None or len(text) <= width:
        yield Line(text, colour, after, len(text))
    else:
        yield from _sentence(text, width, colour=colour, after=after, indent=indent)


def _sentence(
    text: str,
    width: int | None,
    *,
    first: str = "",
    colour: Colour | None = None,
    after: int = 0,
    until: int | None = None,
    indent: int = _INDENT,
) -> Iterator[Line]:
    """Yield a text in lines of `width` columns; words are never split, so that paths can be copied.

    The colour is that of the columns from `after` to `until` of the first line; without `until`,
    also of the other lines.
    """
    wrapper = textwrap.TextWrapper(
        min(WIDTH, width or WIDTH) if indent == _INDENT else width or WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, line in enumerate(wrapper.wrap(text)):
        if number == 0:
            yield Line(line, colour, after, len(line) if until is None else until)
        else:
            yield Line(line, colour if until is None else None, indent, len(line))
