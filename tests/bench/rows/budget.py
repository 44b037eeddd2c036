"""The share of the development tier's budget that is used, alone and beside another program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.other_program import OtherProgram
from bench.processes import Child, beside
from bench.row import Goal, Row
from bench.running_sandbox import RunningSandbox, sandbox

_POINTS, _WINDOW, _CALLS, _HOUR = 60, 300, 300, 3600
"""The development tier (developers.facebook.com, Marketing API rate limiting)."""
_WRITE = 3  # points
_PACK = 5  # images a POST: the sandbox's own work stays small


@dataclass(frozen=True)
class _Spent:
    ours: int
    theirs: int
    refusals: int
    while_blocked: int


def alone(bench: Bench) -> Iterator[Row]:
    windows = bench.sizes.windows
    spent = _spend(bench, others=False)
    of = f"over {windows} windows, 1 : {bench.sizes.time_scale}"
    share = 100 * spent.ours * _WRITE / (windows * _POINTS)
    yield Row(f"budget used {of}", share, "%", [("the budget", 100)], Goal(0.97, at_most=False))
    yield Row(f"refusals {of}", spent.refusals, goal=Goal(0, of_figure=True))
    yield Row(f"calls while blocked {of}", spent.while_blocked, goal=Goal(0, of_figure=True))


def shared(bench: Bench) -> Iterator[Row]:
    windows = bench.sizes.windows
    spent = _spend(bench, others=True)
    of = f"beside another program, over {windows} windows"
    left = windows * _POINTS - spent.theirs * _WRITE
    share = 100 * spent.ours * _WRITE / left
    yield Row(
        f"budget used of what is left {of}",
        share,
        "%",
        [("what is left", 100)],
        Goal(0.9, at_most=False),
        f"the other took {100 * spent.theirs * _WRITE / (windows * _POINTS):.0f} %",
    )
    yield Row(f"refusals a window {of}", spent.refusals / windows, goal=Goal(1, of_figure=True))
    yield Row(f"calls while blocked {of}", spent.while_blocked, goal=Goal(0, of_figure=True))


def _spend(bench: Bench, *, others: bool) -> _Spent:
    scale, windows = bench.sizes.time_scale, bench.sizes.windows
    files = (windows + 2) * _POINTS // _WRITE * _PACK
    tree = pictures.grow(bench.cache / f"budget-{files}", files)
    window, hour = _WINDOW / scale, _HOUR / scale
    account = (
        f'budget = {{ points = {_POINTS}, window = "{window:g}s",'
        f' calls = {_CALLS}, calls_window = "{hour:g}s" }}\nreserve = 0'
    )
    place = bench.place("budget")
    with sandbox("--tier", "development", "--switch", f"time_scale={scale}") as other:
        config = write_config(
            place,
            other.url,
            {"bench": tree},
            account=account,
            more=f"[pack]\nimages = {_PACK}",
        )
        every = window * _WRITE / (_POINTS / 2)
        with (
            OtherProgram(other, every) if others else nullcontext() as program,
            beside(syncd("run", "--config", config), place / "log", TOKEN) as child,
        ):
            before = 0 if program is None else program.taken
            end = _first_call(child, other, program) + windows * window
            time.sleep(max(0.0, end - time.monotonic()))
            account_now = other.account()
            theirs = 0 if program is None else program.taken
            refused = 0 if program is None else program.refused
    return _Spent(
        account_now.taken - theirs,
        theirs - before,
        account_now.refused - refused,
        account_now.while_blocked,
    )


def _first_call(child: Child, other: RunningSandbox, program: OtherProgram | None) -> float:
    def ours() -> bool:
        theirs = 0 if program is None else program.taken + program.refused
        now = other.account()
        return now.taken + now.refused > theirs + (program is not None)

    child.until(ours)
    return time.monotonic()
