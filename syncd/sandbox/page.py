"""The HTML page that shows the sandbox's calls; it needs no other file."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Final

from syncd.sandbox.counts import Record
from syncd.sandbox.report import AccountReport, Report

_QUIET = "<p class=quiet>{}</p>"

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --ground: #f5f6f8;
  --card: #fff; --line: #e3e6eb; --low: #2f9e6e; --high: #d9921a; --full: #d0433b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #98a2b3;
  --ground: #14171c; --card: #1d2128; --line: #2c323c; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px; }
header { display: flex; align-items: baseline; gap: 16px; margin-bottom: 20px; }
h1 { font-size: 22px; }
h2 { font-size: 16px; margin-bottom: 12px; }
header p, .quiet, .note, footer, dt { color: var(--soft); }
.accounts { display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); }
article, .columns section { background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 16px 18px; }
article.blocked { border-color: var(--full); }
dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px 16px; margin-bottom: 14px; }
dt, .note, .budget, .struck, .errors, table, footer { font-size: 13px; }
dd { font-size: 20px; font-variant-numeric: tabular-nums; }
dd.note { font-size: 12px; }
.budget { display: grid; grid-template-columns: 84px 1fr 56px; gap: 10px; align-items: center;
  margin-top: 4px; }
.track { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.fill { height: 100%; border-radius: 4px; }
.low { background: var(--low); }
.high { background: var(--high); }
.full { background: var(--full); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.badge { background: var(--full); color: #fff; border-radius: 5px; padding: 2px 8px;
  font-size: 12px; font-weight: 500; margin-left: 8px; vertical-align: 1px; }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 5px; padding: 0 7px;
  margin: 2px 0; }
.errors { margin-top: 12px; }
.columns { display: grid; gap: 16px; grid-template-columns: 2fr 1fr; margin: 16px 0; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
td { padding: 3px 10px 3px 0; border-top: 1px solid var(--line); white-space: nowrap; }
tr:first-child td { border-top: 0; }
.bad b { color: var(--full); font-weight: 600; }
ul { list-style: none; padding: 0; margin-bottom: 8px; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
a { color: inherit; }
@media (max-width: 760px) { .columns, .accounts { grid-template-columns: minmax(0, 1fr); }
  section { overflow-x: auto; } }
"""

_SCRIPT: Final = """
setInterval(async () => {
  const response = await fetch(location.href).catch(() => null);
  document.title = response ? "syncd sandbox" : "syncd sandbox (stopped)";
  if (!response) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}, 2000);
"""


def page(report: Report) -> str:
    """Return the page, which reloads its contents every two seconds."""
    accounts = "".join(_account(account) for account in report.accounts)
    empty = "No calls yet. An account is created by its first call."
    return (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>syncd sandbox</title>"
        '<meta name=viewport content="width=device-width">'
        f"<style>{_STYLE}</style><main>"
        f"<header><h1>syncd sandbox</h1><p>tier <b>{escape(report.tier)}</b></p></header>"
        f"<section class=accounts>{accounts or _QUIET.format(empty)}</section>"
        f"<div class=columns><section><h2>Recent calls</h2>{_recent(report)}</section>"
        f"<section><h2>Faults</h2>{_faults(report)}</section></div>"
        "<footer>This page as <a href=/sandbox.json>JSON</a>.</footer>"
        f"</main><script>{_SCRIPT}</script></html>\n"
    )


def _account(account: AccountReport) -> str:
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in account.calls.items())
    figures = (
        ("images held", f"{account.held:,}", ""),
        ("images received", f"{account.images_received:,}", _size(account.bytes_received)),
        ("calls", f"{account.calls_in_all:,}", kinds),
        ("simultaneous", f"{account.most_in_flight:,}", "calls at most"),
        ("uploaded again", f"{account.repeated_uploads:,}", "bytes already held"),
        ("while blocked", f"{account.while_blocked:,}", "calls during a block"),
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
        + _errors(account)
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


def _errors(account: AccountReport) -> str:
    if not account.errors:
        return ""
    tags = " ".join(
        f"<span class=tag>{escape(code)} × {times:,}</span>"
        for code, times in sorted(account.errors.items())
    )
    return f"<p class=errors>{tags}</p>"


def _recent(report: Report) -> str:
    if not report.recent:
        return _QUIET.format("no calls yet")
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
    listed = f"<ul>{active}</ul>" if active else _QUIET.format("no faults in force")
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
