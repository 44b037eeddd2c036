"""`syncd pause` and `syncd resume`: nothing is sent to a paused account, whatever happens."""

import json
import re
import time
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

ONE, TWO = picture(1), picture(2)


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return Rig(
        tmp_path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        mirrors=("eu",),
        toml='[log]\nstats_every = "1s"\n',
    )


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def test_nothing_is_sent_to_a_paused_account_until_it_is_resumed(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(ONE, account) for account in "12"))
        paused = await command(rig, "pause", "eu", "--why", "the campaign is frozen")
        assert paused.code == 0
        assert paused.out == "eu paused until you run `syncd resume`\n"
        await until(lambda: daemon.logged("account.paused", "account=eu", "kind=operator"))
        calls = rig.sandbox.counts.calls("2")
        rig.write("b.jpg", TWO)
        await until(lambda: bool(rig.recorded(TWO, "1")))
        await until(
            lambda: daemon.logged("event=stats ", "account=eu", "state=paused", "missing=1")
        )
        assert not rig.holds(TWO, "2")
        shown = (await command(rig, "status")).out
        assert re.search(r"eu .* paused until `syncd resume` by \S+: the campaign is frozen", shown)
        found = await command(rig, "find", "b.jpg")
        assert "eu: missing since" in found.out
        assert "the account is paused until `syncd resume` by" in found.out
        assert (await command(rig, "retry")).code == 0  # leaves it
        assert await daemon.end() == 0
    async with running(rig) as daemon:  # a restart, too
        await until(lambda: daemon.logged("account.paused", "account=eu", "kind=operator"))
        await until(lambda: daemon.logged("scan.done"))
        assert rig.sandbox.counts.calls("2") == calls
        assert (await command(rig, "resume", "eu")).out == "eu resumed\n"
        await until(lambda: daemon.logged("account.resumed", "account=eu"))
        await until(lambda: rig.holds(TWO, "2"))
        assert "paused" not in (await command(rig, "status")).out
        assert await daemon.end() == 0


async def test_a_pause_ends_by_itself(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    assert (await command(rig, "backfill")).code == 0
    rig.write("b.jpg", TWO)
    assert (await command(rig, "pause", "--all", "--for", "4s")).code == 0
    async with running(rig) as daemon:
        await until(lambda: daemon.count("account.paused", "kind=operator") == 2)
        await until(lambda: daemon.count("account.resumed") == 2)
        await until(lambda: all(rig.holds(TWO, account) for account in "12"))
        assert await daemon.end() == 0


async def test_a_stopped_account_that_is_paused_is_not_probed_and_stays_stopped(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("190", on="upload"))
    rig.write("a.jpg", ONE)
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        await command(rig, "pause", "--all")
        await until(lambda: daemon.count("account.paused", "kind=operator") == 2)
        account = json.loads((await command(rig, "status", "--json")).out)["accounts"]["main"]
        assert account["pause"]["kind"] == "stop"
        await command(rig, "resume", "--all")
        await until(lambda: daemon.count("account.resumed") == 2)
        assert "stopped since" in (await command(rig, "status")).out
        assert await daemon.end() == 0


async def test_a_backfill_gives_up_a_paused_account(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    assert (await command(rig, "backfill")).code == 0
    rig.write("b.jpg", TWO)
    await command(rig, "pause", "eu")
    ended = await command(rig, "backfill")
    assert ended.code == 69
    assert rig.holds(TWO, "1")
    assert not rig.holds(TWO, "2")


async def test_the_time_of_a_pause_is_that_of_the_command(rig: Rig) -> None:
    await command(rig, "backfill")
    began = time.time()
    in_900 = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(began + 900))
    for words, seconds in ((("--for", "2h"), 7200.0), (("--until", in_900), 900.0)):
        ended = await command(rig, "pause", "main", *words)
        assert ended.code == 0, ended.err
        ((end,),) = rig.rows("SELECT until FROM operator_pause")
        assert began - 1 < end - seconds < time.time()  # --until has whole seconds
    ended = await command(rig, "pause", "main", "--until", "23:59")
    ((end,),) = rig.rows("SELECT until FROM operator_pause")
    assert time.strftime("%H:%M:%S", time.localtime(end)) == "23:59:00"
    assert 0 < end - time.time() <= 86400


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pause",), "name the accounts"),
        (("pause", "main", "--all"), "name the accounts"),
        (("pause", "nobody"), "no account nobody"),
        (("pause", "main", "--for", "soon"), "--for"),
        (("pause", "main", "--for", "1h", "--until", "18:00"), "not both"),
        (("pause", "main", "--until", "25:00"), "not a time in the future"),
        (("pause", "main", "--until", "2020-01-01"), "not a time in the future"),
        (("resume",), "name the accounts"),
    ],
)
async def test_a_wrong_argument_is_named(rig: Rig, words: tuple[str, ...], message: str) -> None:
    ended = await command(rig, *words)
    assert ended.code == 2
    assert message in " ".join(ended.err.replace("│", " ").split())


async def test_resuming_an_account_that_is_not_paused_is_an_error(rig: Rig) -> None:
    await command(rig, "backfill")
    ended = await command(rig, "resume", "main")
    assert (ended.code, "main: not paused by an operator" in ended.err) == (1, True)
