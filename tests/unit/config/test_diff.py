"""The differences between two configurations: the changed keys, and nothing else."""

from pathlib import Path

import pytest

from syncd.config import Config
from syncd.config.diff import changes
from syncd.config.load import loads

BEFORE = """
[graph]
token = { file = "/etc/syncd/token" }
[ledger]
path = "/var/lib/syncd/ledger.db"
[accounts.main]
id = "act_1"
[accounts.eu]
id = "act_2"
budget = { points = 60 }
[folders.spring]
path = "/srv/spring"
account = "main"
mirrors = ["eu"]
[watch]
settle = "2s"
"""


def read(text: str) -> Config:
    return loads(text, Path("/etc/syncd/config.toml"), {})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ('"2s"', '"2000ms"', []),
        ('"2s"', '"500ms"', ["watch.settle: 2 → 0.5"]),
        ('["eu"]', "[]", ["folders.spring.mirrors: eu → none"]),
        ("/srv/spring", "/srv/fall", ["folders.spring.path: /srv/spring → /srv/fall"]),
        ("folders.spring", "folders.fall", ["folders.spring removed", "folders.fall added"]),
        ("points = 60", "points = 90", ["accounts.eu.budget.points: 60 → 90"]),
        ("budget = { points = 60 }", "", ["accounts.eu.budget.points: 60 → not set"]),
        ("points = 60", "points = 60, calls = 9", ["accounts.eu.budget.calls: not set → 9"]),
        ('"act_2"', '"act_2"\nworkers = 8', ["accounts.eu.workers: 4 → 8"]),
        ('"act_2"', '"act_2"\ntier = "standard"', ["accounts.eu.tier: not set → standard"]),
        ("[watch]", "[accounts.us]\nid = 'act_3'\n[watch]", ["accounts.us added"]),
        ("[watch]", "[log]\nlevel = 'debug'\n[watch]", ["log.level: info → debug"]),
        ("[watch]", "[pack]\nimages = 5\n[watch]", ["pack.images: 25 → 5"]),
        (
            'file = "/etc/syncd/token"',
            'env = "TOKEN"',
            ["graph.token: the file /etc/syncd/token → the variable TOKEN"],
        ),
    ],
)
def test_a_change_is_named_by_its_key(old: str, new: str, expected: list[str]) -> None:
    assert changes(read(BEFORE), read(BEFORE.replace(old, new, 1) if old else BEFORE)) == expected


def test_several_changes_are_in_the_order_of_the_sections() -> None:
    after = BEFORE.replace('"2s"', '"1s"').replace('["eu"]', "[]").replace("points = 60", "")
    assert changes(read(BEFORE), read(after)) == [
        "accounts.eu.budget.points: 60 → not set",
        "folders.spring.mirrors: eu → none",
        "watch.settle: 2 → 1",
    ]
