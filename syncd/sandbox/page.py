"""The page that shows what the sandbox was asked: one self-contained HTML, no dependency."""

from __future__ import annotations

from datetime import datetime
from html import escape

from syncd.sandbox.counts import Record
from syncd.sandbox.report import AccountReport, Report
from syncd.sandbox.style import SCRIPT, STYLE

_QUIET = "<p class=quiet>{}</p>"


def page(report: Report) -> str:
    """Return the whole page; it fetches itself anew every two seconds."""
    accounts = "".join(_account(account) for account in report.accounts)
    empty = "Nothing was asked yet. An account springs into being with its first call."
    return (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>syncd sandbox</title>"
        '<meta name=viewport content="width=device-width">'
        f"<style>{STYLE}</style><main>"
        f"<header><h1>syncd sandbox</h1><p>tier <b>{escape(report.tier)}</b></p></header>"
        f"<section class=accounts>{accounts or _QUIET.format(empty)}</section>"
        f"<div class=columns><section><h2>Recent calls</h2>{_recent(report)}</section>"
        f"<section><h2>Faults</h2>{_faults(report)}</section></div>"
        "<footer>The same as <a href=/sandbox.json>JSON</a>.</footer>"
        f"</main><script>{SCRIPT}</script></html>\n"
    )


def _account(account: AccountReport) -> str:
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in account.calls.items())
    figures = (
        ("images held", f"{account.held:,}", ""),
        ("images received", f"{account.images_received:,}", _size(account.bytes_received)),
        ("calls", f"{account.calls_in_all:,}", kinds),
        ("at once, at most", f"{account.most_in_flight:,}", ""),
        ("sent again", f"{account.repeated_uploads:,}", "bytes already held"),
        ("while blocked", f"{account.while_blocked:,}", "calls into a block"),
    )
    return (
        f"<article{' class=blocked' if account.blocked_by else ''}>"
        f"<h2>act_{escape(account.account)} {_block(account)}</h2><dl>"
        + "".join(
            f"<div><dt>{name}</dt><dd>{value}</dd><dd class=note>{note}</dd></div>"
            for name, value, note in figures
        )
        + "</dl>"
        + _bar("score, 300 s", account.score_percent)
        + _bar("calls, 1 h", account.calls_percent)
        + _bar("CPU, 1 h", account.cpu_percent)
        + _refusals(account)
        + "</article>"
    )


def _block(account: AccountReport) -> str:
    if account.blocked_by is None:
        return ""
    left = f"{account.blocked_seconds:.0f} s"
    return f"<span class=badge>blocked by {escape(account.blocked_by)}, {left} left</span>"


def _bar(name: str, percent: int) -> str:
    level = "full" if percent >= 100 else "high" if percent >= 75 else "low"
    return (
        f"<div class=budget><span>{name}</span><div class=track>"
        f'<div class="fill {level}" style="width:{min(percent, 100)}%"></div></div>'
        f"<span class=number>{percent} %</span></div>"
    )


def _refusals(account: AccountReport) -> str:
    if not account.refusals:
        return ""
    tags = " ".join(
        f"<span class=tag>{escape(code)} × {times:,}</span>"
        for code, times in sorted(account.refusals.items())
    )
    return f"<p class=refusals>{tags}</p>"


def _recent(report: Report) -> str:
    if not report.recent:
        return _QUIET.format("none yet")
    return f"<table>{''.join(_call(record) for record in report.recent)}</table>"


def _call(record: Record) -> str:
    at = datetime.fromtimestamp(record.at).astimezone().strftime("%H:%M:%S")
    account = "" if record.account is None else f"act_{record.account}"
    images = f"{record.images} image{'s' * (record.images != 1)}" if record.images else ""
    outcome = record.code or str(record.status)
    return (
        f"<tr{' class=bad' if record.code else ''}><td>{at}</td><td>{escape(account)}</td>"
        f"<td>{record.kind}</td><td>{images}</td><td class=number>{_size(record.bytes)}</td>"
        f"<td><b>{escape(outcome)}</b></td></tr>"
    )


def _faults(report: Report) -> str:
    active = "".join(f"<li><code>{escape(fault)}</code></li>" for fault in report.faults)
    struck = " ".join(
        f"<span class=tag>{escape(name)} × {times:,}</span>"
        for name, times in sorted(report.struck.items())
    )
    listed = f"<ul>{active}</ul>" if active else _QUIET.format("none in force")
    return listed + (f"<p class=struck>struck: {struck}</p>" if struck else "")


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B" if size else ""
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / 1000
        if size_in_unit < 1000:
            return f"{size_in_unit:.1f} {unit}"
        size //= 1000
    return f"{size:,} GB"
