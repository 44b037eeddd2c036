"""The options -q, -v and --json of the commands that have no tests of their own for them."""

import json
from datetime import datetime
from typing import Any

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.ledger.file import changing
from syncd.sandbox.faults import Fault


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def printed(rig: Rig, *words: str) -> Any:
    return json.loads((await command(rig, *words, "--json")).out)


@pytest.mark.parametrize("option", ["-q", "--quiet"])
async def test_a_quiet_backfill_prints_nothing_but_errors(rig: Rig, option: str) -> None:
    rig.write("a.jpg", picture(1))
    ended = await command(rig, "backfill", option)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    rig.write("b.jpg", picture(2))
    rig.sandbox.faults.add(Fault("190", on="upload"))
    ended = await command(rig, "backfill", option)
    assert ended.code == 69
    assert ended.err
    assert all("level=error" in line for line in ended.err.splitlines())


@pytest.mark.parametrize("option", ["-v", "--verbose"])
async def test_a_verbose_backfill_logs_every_level(rig: Rig, option: str) -> None:
    rig.write("a.jpg", picture(1))
    assert "level=debug" in (await command(rig, "backfill", option)).err
    rig.write("b.jpg", picture(2))
    assert "level=debug" not in (await command(rig, "backfill")).err


async def test_a_command_is_not_both_quiet_and_verbose(rig: Rig) -> None:
    ended = await command(rig, "run", "-q", "-v")
    assert ended.code == 2
    assert "not both" in ended.err


async def test_a_verbose_daemon_stays_verbose_after_a_reload(rig: Rig) -> None:
    async with running(rig, "run", "-v", "--config", str(rig.write_config())) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded"))
        rig.write("a.jpg", picture(1))
        await until(lambda: daemon.logged("level=debug", "upload.done"))
        assert await daemon.end() == 0


async def test_retry_prints_the_accounts_as_json(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("190", on="upload"))
    await command(rig, "backfill")
    assert await printed(rig, "retry") == {
        "accounts": ["main"],
        "limitations": 0,
        "rejected": 0,
        "paused": {},
    }


async def test_the_pauses_that_retry_leaves_have_times_in_iso_8601(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("80004", on="upload"))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        paused = (await printed(rig, "retry"))["paused"]["main"]
    since, until_ = (datetime.fromisoformat(paused[name]) for name in ("since", "until"))
    assert since.tzinfo is not None
    assert since < until_


async def test_the_times_that_find_prints_as_json_are_in_iso_8601(rig: Rig) -> None:
    path = rig.write("a.jpg", picture(1))
    await command(rig, "backfill")
    (found,) = await printed(rig, "find", str(path))
    assert datetime.fromisoformat(found["accounts"]["main"]["held_at"]).tzinfo is not None


async def test_an_audit_prints_its_counts_as_json(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    await command(rig, "backfill")
    shown = await printed(rig, "audit", "--everything")
    assert shown["requested"] is False
    assert shown["accounts"]["main"]["images"] == 1
    assert shown["accounts"]["main"]["unknown"] == 0


async def test_a_check_prints_each_result_as_json(rig: Rig) -> None:
    shown = await printed(rig, "check")
    assert shown["note"] is None
    found = {one["subject"]: one["state"] for one in shown["checks"]}
    assert found["configuration"] == "ok"
    assert found["folder spring"] == "ok"
    rig.folder.rmdir()
    (folder,) = [
        one for one in (await printed(rig, "check"))["checks"] if one["subject"] == "folder spring"
    ]
    assert folder["state"] == "bad"
    assert str(rig.folder) in folder["message"]


async def test_a_check_of_the_ledger_prints_what_it_finds_as_json(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    await command(rig, "backfill")
    sound: dict[str, list[str]] = {"pages": [], "references": [], "replicas": []}
    assert await printed(rig, "ledger", "check") == {
        "ledger": str(rig.ledger),
        "ok": True,
        **sound,
    }


async def test_an_audit_by_the_daemon_is_reported_as_requested(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert await printed(rig, "audit") == {"requested": True, "accounts": {}}
        await until(lambda: daemon.logged("audit.done", "images=1"))


async def test_a_check_of_a_damaged_ledger_lists_the_damage_as_json(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    await command(rig, "backfill")
    with changing(rig.ledger) as db:
        db.execute("UPDATE replica SET wanted = 0")
    ended = await command(rig, "ledger", "check", "--json")
    assert ended.code == 65
    assert "does not match its files" in ended.err
    found = json.loads(ended.out)
    assert (found["ok"], found["pages"], found["references"]) == (False, [], [])
    assert len(found["replicas"]) == 1
