"""How the sandbox's page looks, and how it keeps itself fresh."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
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
dt, .note, .budget, .struck, .refusals, table, footer { font-size: 13px; }
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
.refusals { margin-top: 12px; }
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

SCRIPT: Final = """
setInterval(async () => {
  const answer = await fetch(location.href).catch(() => null);
  document.title = answer ? "syncd sandbox" : "syncd sandbox (stopped)";
  if (!answer) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}, 2000);
"""
