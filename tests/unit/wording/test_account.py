"""When the missing images of an account will be there, in words."""

import re
import time
from typing import Any

import msgspec
import pytest

from syncd.daemon.report import AccountStatus
from syncd.daemon.status_file import AccountActivity
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.rules.sync import Sync
from syncd.wording.account import ahead

NOW = time.time()
ACCOUNT = AccountStatus(
    id="1", wanted=9, held=5, missing=4, rejected=0, sync=Sync.MISSING,
    rejections=[], troubles=[], limitations=[],
)  # fmt: skip
ACTIVITY = AccountActivity(
    missing=4, in_flight=0, images_per_second=0.0, in_step_in=None, retry_at=None, why=None,
    seconds_to_send=7200.0,
)  # fmt: skip
TIME = r"(\d{4}-\d\d-\d\d )?\d\d:\d\d"


def pause(until: float | None, kind: str = "throttled") -> dict[str, Any]:
    return {"pause": Pause(kind=kind, why="w", since=NOW, until=until, consecutive=1)}


@pytest.mark.parametrize(
    ("account", "activity", "text"),
    [
        ({}, {}, rf"4 missing images: about 2 h \({TIME}\)"),
        ({}, {"is_at_most": True}, rf"4 missing images: at most 2 h \({TIME}\)"),
        ({}, {"missing": 1}, rf"1 missing image: about 2 h \({TIME}\)"),
        (
            pause(NOW + 3600),
            {},
            rf"4 missing images wait until {TIME}, then about 2 h \({TIME}\)",
        ),
        (
            pause(NOW + 3600, OPERATOR),
            {},
            rf"4 missing images wait until {TIME}, then about 2 h \({TIME}\)",
        ),
        (
            pause(None),
            {},
            "4 missing images wait until the cause of the stop is removed, then about 2 h",
        ),
        (
            pause(None, OPERATOR),
            {},
            "4 missing images wait until `syncd resume`, then about 2 h",
        ),
        (
            {"failing_since": NOW},
            {},
            "4 missing images wait until calls succeed, then about 2 h",
        ),
    ],
)
def test_the_missing_images_of_an_account_have_a_time_also_while_they_wait(
    account: dict[str, Any], activity: dict[str, Any], text: str
) -> None:
    found = ahead(
        msgspec.structs.replace(ACCOUNT, **account),
        msgspec.structs.replace(ACTIVITY, **activity),
        NOW,
    )
    assert found is not None
    assert re.fullmatch(text, found), found


def test_the_time_after_a_pause_is_counted_from_its_end() -> None:
    waits = msgspec.structs.replace(ACCOUNT, **pause(NOW + 3600))
    expected = time.strftime("%H:%M", time.localtime(NOW + 3 * 3600))
    assert str(ahead(waits, ACTIVITY, NOW)).endswith(f"{expected})")


@pytest.mark.parametrize("activity", [{"missing": 0}, {"seconds_to_send": None}])
def test_no_time_is_shown_where_nothing_is_missing_or_the_daemon_is_of_an_earlier_version(
    activity: dict[str, Any],
) -> None:
    assert ahead(ACCOUNT, msgspec.structs.replace(ACTIVITY, **activity), NOW) is None
