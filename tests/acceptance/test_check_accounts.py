"""`syncd check` shows what each token is valid for, and which ad account each id names."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import ImageHash

DAY = 86400.0
BUSINESS = "of Sandbox Business"


async def check(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "check", *words, "--config", str(rig.write_config()))


def line(ended: Ended, subject: str) -> str:
    """Return the line of a check, with single spaces."""
    lines = [" ".join(one.split()) for one in ended.out.splitlines()]
    (found,) = [one for one in lines if one.partition(" ")[2].startswith(subject)]
    return found


def add_others(rig: Rig, account: str, number: int) -> None:
    """Put images of another program into an account that has one of syncd in account 1."""
    (known,) = rig.sandbox.library.images("1")
    for digit in range(number):
        theirs = replace(known.picture, hash=ImageHash(str(digit) * 32))
        rig.sandbox.library.add(account, theirs, f"{digit}.jpg")


@pytest.mark.parametrize(
    ("switches", "code", "begin", "text"),
    [
        ({}, 0, "ok token of main accepted: Sandbox User, app Sandbox App", ""),
        ({"token_lifetime": 30 * DAY}, 0, "ok token", "; it expires on 20"),
        ({"token_lifetime": 13 * DAY}, 0, "! token", "save it with `syncd token set`"),
        ({"token_scopes": "ads_read"}, 1, "BAD token", "the permission ads_management: create"),
        ({"inspection": "app_only"}, 0, "ok token of main accepted: Sandbox User", ""),
    ],
)
async def test_each_token_has_its_user_app_expiry_and_missing_permissions(
    rig: Rig, switches: dict[str, object], code: int, begin: str, text: str
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, **switches)  # type: ignore[arg-type]  # a part
    ended = await check(rig)
    assert ended.code == code, ended.out
    found = line(ended, "token of main")
    assert (found.startswith(begin), text in found) == (True, True), found


async def test_a_token_whose_facts_are_not_shown_is_accepted(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("100", on="other"))
    rig.sandbox.faults.add(Fault("100", on="me", after=1))
    found = line(await check(rig), "token of main")
    assert found.endswith("accepted: Sandbox User; the API does not show what it is valid for")


async def test_two_accounts_of_one_token_cost_two_calls_for_it_and_two_each(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    ended = await check(rig)
    assert line(ended, "account main") == f"ok account main act_1 Sandbox account 1, {BUSINESS}"
    assert line(ended, "account eu") == f"ok account eu act_2 Sandbox account 2, {BUSINESS}"
    batch = 2  # the sandbox counts each call of a batch
    assert sandbox.counts.calls() == 1 + batch + 2 * 2, "user and facts, then account and count"


async def test_the_images_of_an_account_without_one_of_syncd_are_counted(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    assert (await rig.backfill()).in_sync
    add_others(rig, "1", 3)
    assert "does not manage" not in line(await check(rig), "account main")
    rig.ledger.unlink()
    assert line(await check(rig), "account main").endswith("4 images that syncd does not manage")


async def test_another_account_id_than_before_is_a_warning_with_both_names(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    assert (await rig.backfill()).in_sync
    rig.accounts = {"main": "2"}
    add_others(rig, "2", 2)
    ended = await check(rig, "--json")
    assert ended.code == 0, ended.err
    checks = {one["subject"]: one for one in json.loads(ended.out)["checks"]}
    assert checks["account id"]["state"] == "warning"
    assert checks["account id"]["message"] == (
        f"folder spring: its account was act_1 (Sandbox account 1, {BUSINESS}), and is now act_2"
        f" (main: Sandbox account 2, {BUSINESS}); correct accounts.main.id if that is not intended"
    )
    assert checks["account main"]["message"].endswith("it has 2 images that syncd does not manage")


async def test_a_business_that_the_token_must_not_read_is_left_out(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("200", on="account", times=1))
    assert line(await check(rig), "account main") == "ok account main act_1 Sandbox account 1"
