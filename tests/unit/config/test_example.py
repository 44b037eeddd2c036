"""config.example.toml compared with the code: every key, and the defaults."""

import re
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from syncd.config import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    Config,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    MetricsConfig,
    NotifyConfig,
    PingConfig,
    WatchConfig,
    WebConfig,
    load,
)
from syncd.config.load import loads

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"

LEAST = """
[graph]
token = { credential = "syncd.token" }
[accounts.main]
id = "act_1234567890"
[folders.spring]
path = "/srv/creatives/spring"
account = "main"
"""


def test_the_example_loads_and_sets_nothing_but_defaults() -> None:
    assert load(EXAMPLE, {}) == defaults()


def test_the_keys_that_the_example_comments_out_have_their_defaults() -> None:
    text = EXAMPLE.read_text()
    uncommented, count = re.subn(r"^#(?=\w)", "", text, flags=re.MULTILINE)
    assert count > 10
    assert loads(uncommented, EXAMPLE, {}) == defaults()


def test_the_example_has_every_key() -> None:
    sections: dict[str, type[Struct]]
    sections = {"graph": GraphConfig, "ledger": LedgerConfig, "accounts.main": AccountConfig}
    sections |= {
        "folders.spring": FolderConfig,
        "watch": WatchConfig,
        "pack": BatchConfig,
        "log": LogConfig,
    }
    sections |= {"deletions": DeletionsConfig, "audit": AuditConfig, "metrics": MetricsConfig}
    sections |= {"web": WebConfig}
    sections |= {"notify": NotifyConfig, "ping": PingConfig}
    found: dict[str, set[str]] = {}
    for line in EXAMPLE.read_text().splitlines():
        if header := re.fullmatch(r"(?:#   )?\[{1,2}(.+?)\]{1,2}", line):
            found[header[1]] = set()
        # A default, a value, or a key without a default: `#   app_secret = …`.
        elif key := re.match(r"(?:#|#   )?(\w+) = ", line):
            found[list(found)[-1]].add(key[1])
    known = {
        name: {field.name for field in fields(shape)} - ({"name"} if name != "notify" else set())
        for name, shape in sections.items()
    }
    assert found == known
    assert {name.split(".")[0] for name in found} == {field.name for field in fields(Config)} - {
        "path",
        "included",
        "warnings",
        "ids",
    }


def defaults() -> Config:
    return loads(LEAST, EXAMPLE, {"STATE_DIRECTORY": "/var/lib/syncd"})
