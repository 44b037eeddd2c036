"""The fields of a search become conditions; a wrong field is reported and left out."""

from datetime import datetime
from pathlib import Path

import pytest

from syncd.config import Config
from syncd.config.load import loads
from syncd.ledger.library_filter import Filter, State
from syncd.web.search_form import search_of

TEXT = """
[graph]
token = { env = "T" }
[ledger]
path = "/l/ledger.db"
[accounts.main]
id = "act_17"
[folders.spring]
path = "/spring"
account = "main"
"""


@pytest.fixture(scope="module")
def config() -> Config:
    return loads(TEXT, Path("/c.toml"), {})


def test_an_empty_form_selects_everything(config: Config) -> None:
    assert search_of({}, config).wanted == Filter()


def test_each_field_is_a_condition(config: Config) -> None:
    query = {
        "q": " summer ",
        "folder": "spring",
        "account": "main",
        "state": "missing",
        "format": "JPEG",
        "size": "1080 × 1920",
        "since": "2026-11-01",
        "until": "2026-11-02",
    }
    found = search_of(query, config)
    assert found.problems == ()
    wanted = found.wanted
    assert (wanted.text, wanted.folder, wanted.account) == ("summer", "spring", "17")
    assert (wanted.state, wanted.format, wanted.pixels) == (State.MISSING, "JPEG", (1080, 1920))
    assert wanted.since == datetime(2026, 11, 1).astimezone().timestamp()
    assert wanted.until == datetime(2026, 11, 3).astimezone().timestamp()


@pytest.mark.parametrize(
    ("ratio", "width", "height"),
    [("1:1", 1080, 1080), ("9:16", 1080, 1920), ("1.91:1", 1200, 628), ("4:5", 1080, 1350)],
)
def test_a_ratio_admits_usual_sizes(config: Config, ratio: str, width: int, height: int) -> None:
    found = search_of({"ratio": ratio}, config).wanted.ratio
    assert found is not None
    assert found.low <= width / height <= found.high


@pytest.mark.parametrize("key", ["since", "until"])
@pytest.mark.parametrize("day", ["0001-01-01", "1500-01-01", "2300-01-01", "9999-12-31"])
def test_a_day_that_the_ledger_cannot_have_is_left_out(config: Config, key: str, day: str) -> None:
    found = search_of({key: day}, config)
    assert found.wanted == Filter()
    assert found.problems == (f"{day} is not a known {key}, such as 2026-11-01: it was left out",)


@pytest.mark.parametrize("key", ["account", "state", "ratio", "size", "since", "until"])
def test_a_wrong_field_is_reported_and_left_out(config: Config, key: str) -> None:
    found = search_of({key: "<wrong>"}, config)
    assert found.wanted == Filter()
    (problem,) = found.problems
    assert problem.startswith(f"<wrong> is not a known {key}")
