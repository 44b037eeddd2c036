"""The sizes of each row: full ones, for which the goals are set, and quick ones for a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of images and files; `rounds` is the number of repetitions."""

    rounds: int
    images: dict[int, int]  # size of an image in bytes → number of images
    trees: tuple[int, ...]  # files in the trees of the start rows
    backfill: int  # files in the backfill of the memory and latency rows
    backfills: tuple[int, ...]  # files in the backfills of the scaling rows, the smallest first
    burst: int
    probes: int  # files whose latency is measured
    windows: int  # budget windows
    time_scale: int  # of the sandbox: a window of 300 s takes 300 s / time_scale
    facts: int
    commits: int
    ledger_files: int  # in a ledger with two replicas of each
    large: int  # files in the ledger of the rows `large` and `pages`
    many: tuple[int, ...]  # files in the folders of the row `million`, the smallest first
    accounts: tuple[int, int]  # in the row of that name, and the images of each
    notified: int  # images of which a webhook is notified
    rest_accounts: int  # each with a folder
    rest_seconds: int


FULL = Sizes(
    rounds=3,
    images={20_000: 5000, 300_000: 1500},
    trees=(100_000, 1_000_000),
    backfill=100_000,
    backfills=(1000, 10_000, 100_000),
    burst=50_000,
    probes=100,
    windows=10,
    time_scale=60,
    facts=50_000,
    commits=5000,
    ledger_files=500_000,
    large=1_000_000,
    many=(10_000, 100_000, 1_000_000),
    accounts=(200, 2000),
    notified=10_000,
    rest_accounts=200,
    rest_seconds=30,
)

QUICK = Sizes(
    rounds=1,
    images={20_000: 300, 300_000: 60},
    trees=(5000,),
    backfill=2000,
    backfills=(200, 2000),
    burst=2000,
    probes=10,
    windows=3,
    time_scale=300,
    facts=5000,
    commits=500,
    ledger_files=20_000,
    large=20_000,
    many=(500, 2000),
    accounts=(40, 100),
    notified=200,
    rest_accounts=20,
    rest_seconds=2,
)
