"""Use of the budget of the development tier, alone and alongside another program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.other_program import OtherProgram
from bench.processes import Child, running
from bench.row import Goal, Row
from bench.running_sandbox import RunningSandbox, sandbox

_POINTS, _WINDOW, _CALLS, _HOUR = 60, 300, 300, 3600
"""The development tier (developers.facebook.com, Marketing API rate limiting)."""
_WRITE = 3  # points
_BATCH = 5  # images per POST: this keeps the work of the sandbox small


@dataclass(frozen=True)
class _Spent:
    ours: int
    theirs: int
    throttled: int
    while_blocked: int


def alone(bench: Bench) -> Iterator[Row]:
    windows = bench.sizes.windows
    spent = _spend(bench, shared=False)
    of = f"over {windows} windows, 1 : {bench.sizes.time_scale}"
    share = 100 * spent.ours * _WRITE / (windows * _POINTS)
    yield Row(f"budget used {of}", share, "%", [("the budget", 100)], Goal(0.97, at_most=False))
    yield Row(f"refusals {of}", spent.throttled, goal=Goal(0, of_figure=True))
    yield Row(f"calls while blocked {of}", spent.while_blocked, goal=Goal(0, of_figure=True))


def shared(bench: Bench) -> Iterator[Row]:
    windows = bench.sizes.windows
    spent = _spend(bench, shared=True)
    of = f"alongside another program, over {windows} windows"
    left = windows * _POINTS - spent.theirs * _WRITE
    share = 100 * spent.ours * _WRITE / left
    yield Row(
        f"budget used of what is left {of}",
        share,
        "%",
        [("what is left", 100)],
        Goal(0.9, at_most=False),
        f"the other program used {100 * spent.theirs * _WRITE / (windows * _POINTS):.0f} %",
    )
    yield Row(f"refusals a window {of}", spent.throttled / windows, goal=Goal(1, of_figure=True))
    yield Row(f"calls while blocked {of}", spent.while_blocked, goal=Goal(0, of_figure=True))


def _spend(bench: Bench, *, shared: bool) -> _Spent:
    scale, windows = bench.sizes.time_scale, bench.sizes.windows
    files = (windows + 2) * _POINTS // _WRITE * _BATCH
    tree = pictures.tiny_tree(bench.cache / f"budget-{files}", files)
    window, hour = _WINDOW / scale, _HOUR / scale
    account = (
        f'budget = {{ points = {_POINTS}, window = "{window:g}s",'
        f' calls = {_CALLS}, calls_window = "{hour:g}s" }}\nreserve = 0'
    )
    directory = bench.new_directory("budget")
    with sandbox("--tier", "development", "--switch", f"time_scale={scale}") as server:
        config = write_config(
            directory,
            server.url,
            {"bench": tree},
            account=account,
            more=f"[pack]\nimages = {_BATCH}",
        )
        every = window * _WRITE / (_POINTS / 2)
        with (
            OtherProgram(server, every) if shared else nullcontext() as program,
            running(syncd("run", "--config", config), directory / "log", TOKEN) as child,
        ):
            before = 0 if program is None else program.accepted
            end = _first_call(child, server, program) + windows * window
            time.sleep(max(0.0, end - time.monotonic()))
            account_now = server.account()
            theirs = 0 if program is None else program.accepted
            throttled = 0 if program is None else program.throttled
    return _Spent(
        account_now.accepted - theirs,
        theirs - before,
        account_now.throttled - throttled,
        account_now.while_blocked,
    )


def _first_call(child: Child, server: RunningSandbox, program: OtherProgram | None) -> float:
    def ours() -> bool:
        theirs = 0 if program is None else program.accepted + program.throttled
        now = server.account()
        return now.accepted + now.throttled > theirs + (program is not None)

    child.wait_until(ours)
    return time.monotonic()
