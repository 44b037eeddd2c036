"""`syncd conformance`, next to a sandbox."""

import asyncio
import json
import signal
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.rig import Rig, until
from typer.testing import CliRunner, Result

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.conformance.pictures import png
from syncd.conformance.talk import plan
from syncd.ledger.file import connect_writer
from syncd.model import AccountId
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome

SYNCD = Path(sys.executable).with_name("syncd")


@pytest.fixture
def with_ledger(rig: Rig) -> Rig:
    rig.write_config()
    with closing(connect_writer(rig.ledger)):
        pass
    return rig


def words(rig: Rig, *more: str) -> list[str]:
    return ["conformance", "--account", "main", *more, "--config", str(rig.path / "config.toml")]


async def conformance(rig: Rig, *more: str, stdin: str = "") -> Result:
    runner = CliRunner(env={"SYNCD_TEST_TOKEN": rig.sandbox.token, "COLUMNS": "200"})
    return await asyncio.to_thread(runner.invoke, app, words(rig, *more), input=stdin)


def found(result: Result) -> dict[str, Any]:
    report = json.loads(result.stdout)
    return {one["name"]: one for one in report["findings"]}


async def test_without_write_it_only_reads(with_ledger: Rig) -> None:
    ended = await conformance(with_ledger, "--json")
    assert ended.exit_code == Exit.DONE, ended.output
    counts = with_ledger.sandbox.counts
    for kind in ("upload", "copy", "delete"):
        assert counts.calls("1", kind) == 0
    assert found(ended)["unknown hash in a list"]["state"] == "as described"
    assert "nothing is written" in ended.stderr


async def test_with_write_it_settles_what_is_open_and_its_calls_count(with_ledger: Rig) -> None:
    ended = await conformance(with_ledger, "--write", "--yes", "--json")
    assert ended.exit_code == Exit.DONE, ended.output
    findings, calls = found(ended), json.loads(ended.stdout)["calls"]
    for name, switch in (
        ("key of a copy", "copy_key=hash"),
        ("one bad file in a POST", "one_bad_file=fails_all"),
        ("deleted images", "deleted_images=missing"),
        ("upload of a deleted image", "upload_of_deleted=revives"),
        ("two files of one name in a POST", "same_name=last_wins"),
    ):
        assert switch in findings[name]["switches"] or findings[name]["state"] == "open"
    assert with_ledger.sandbox.library.images("1") == []
    assert with_ledger.sandbox.counts.calls("1") == calls
    assert with_ledger.rows("SELECT count(*) FROM api_call") == [(calls,)]
    most = plan(AccountId("1"), "x", 200, 0.0)
    assert f"at most {most.calls} calls to act_1, of at most {most.cost} points" in ended.stderr
    assert calls <= most.calls


async def test_it_asks_before_it_writes(with_ledger: Rig) -> None:
    ended = await conformance(with_ledger, "--write", stdin="n\n")
    assert ended.exit_code == Exit.NOT_ALL
    assert with_ledger.sandbox.counts.calls("1") == 0


async def test_what_differs_ends_it_with_1(with_ledger: Rig) -> None:
    with_ledger.sandbox.hold("1", "a.png", png(3, "a"))

    async def without_fields(_: Call, outcome: Outcome) -> Outcome:
        return replace(outcome, body=outcome.body.replace(b'"status"', b'"state"'))

    with_ledger.sandbox.on_response = without_fields
    ended = await conformance(with_ledger, "--json")
    assert ended.exit_code == Exit.NOT_ALL
    assert found(ended)["fields"] == {
        "name": "fields", "state": "differs", "text": "without status", "switches": [],
    }  # fmt: skip


@pytest.mark.parametrize("fault", ["190 after=4", "10", "200", "5 after=6"])
async def test_an_account_that_takes_no_calls_ends_it_with_69(with_ledger: Rig, fault: str) -> None:
    code, _, after = fault.partition(" after=")
    with_ledger.sandbox.faults.add(Fault(code, after=int(after or 0)))
    ended = await conformance(with_ledger, "--write", "--yes", "--json")
    assert all(code not in one["text"] for one in found(ended).values()), (
        "it says nothing of a check"
    )
    assert ended.exit_code == Exit.UNAVAILABLE
    assert ended.stderr.splitlines()[-1].startswith(f"syncd: {code}: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_after_the_deletion_of_its_images(
    with_ledger: Rig, number: signal.Signals
) -> None:
    sandbox = with_ledger.sandbox
    process = await asyncio.create_subprocess_exec(
        SYNCD, *words(with_ledger, "--write", "--yes", "--wait", "0"), env=with_ledger.environ
    )
    await until(lambda: len(sandbox.library.images("1")) >= 8)
    process.send_signal(number)
    async with asyncio.timeout(30):
        code = await process.wait()
    assert sandbox.library.images("1") == []
    assert code == Exit.INTERRUPTED
