"""The exit codes of `syncd backfill`, and `syncd status`, which agrees with them."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


def write_nothing_else(rig: Rig) -> None:
    """Leave the folder with its good picture."""


def write_an_empty_file(rig: Rig) -> None:
    rig.write("empty.jpg", b"")


def write_a_text_file(rig: Rig) -> None:
    rig.write("text.jpg", b"not a picture")


def write_a_file_that_is_too_large_to_read(rig: Rig) -> None:
    with rig.write("large.png", b"").open("wb") as file:
        file.truncate(129 * 2**20)


def reject_the_token(rig: Rig) -> None:
    rig.write("b.jpg", picture(2))
    rig.sandbox.faults.add(Fault("190", on="upload"))


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


@pytest.mark.parametrize(
    ("prepare", "code", "sync", "state"),
    [
        (write_nothing_else, 0, "in_sync", "in sync folder"),
        (write_a_text_file, 3, "rejected", "in sync except for rejected images"),
        (write_an_empty_file, 1, "missing", "1 file not finished: the file is empty"),
        (write_a_file_that_is_too_large_to_read, 1, "missing", "files of its folders are not read"),
        (reject_the_token, 69, "missing", "stopped since"),
    ],
)
async def test_a_backfill_and_status_agree_on_what_is_in_sync(
    rig: Rig, prepare: Callable[[Rig], None], code: int, sync: str, state: str
) -> None:
    rig.write("a.jpg", picture(1))
    prepare(rig)
    ended = await command(rig, "backfill")
    assert ended.code == code, ended.err
    shown = await command(rig, "status", "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["accounts"]["main"]["sync"] == sync
    assert state in " ".join((await command(rig, "status")).out.split())


async def test_a_file_that_is_still_written_is_missing_and_not_waited_for(rig: Rig) -> None:
    rig.settle = "1s"
    rig.write("a.jpg", picture(1))
    async with appending(rig.write("growing.jpg", picture(2))):
        ended = await command(rig, "backfill")
    assert ended.code == 1, ended.err
    assert "1 file still changing: not sent" in ended.out
    assert rig.holds(picture(1))


@contextlib.asynccontextmanager
async def appending(path: Path) -> AsyncIterator[None]:
    """Append a byte to a file again and again during the block."""

    async def append() -> None:
        with path.open("ab", buffering=0) as file:
            while True:
                file.write(b"x")
                await asyncio.sleep(0.001)

    task = asyncio.create_task(append())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_a_backfill_with_130(rig: Rig, number: signal.Signals) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("80004", on="upload"))
    async with running(rig, "backfill", "--config", str(rig.write_config())) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        assert await daemon.end(number) == 130
