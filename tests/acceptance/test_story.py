"""One image in every state, one after the other, and what each command reports about it."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, Ended, running, syncd
from support.reload import reload
from support.rig import DELETED_WITHIN, Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

CONTENT = picture(1)

NOTHING = ""
"""The image is not in the output."""

FROZEN = "paused until `syncd resume` by "

STORY = {
    "skipped": {
        "status": "folder spring: skipped 1 excluded",
        "status --files": "/folder/drafts: excluded",
        "find": "/folder/drafts/promo.jpg is not in the ledger: skipped (excluded)",
        "log": "has nothing about promo.jpg; `syncd find promo.jpg` shows its state",
        "plan": "- main /folder/drafts: excluded",
        "export": NOTHING,
    },
    "settling": {
        "status": "1 file, scanned",
        "status --files": NOTHING,
        "find": "/folder/promo.jpg is not in the ledger: still changing; it is read once it has",
        "log": "has nothing about promo.jpg; `syncd find promo.jpg` shows its state",
        "plan": "+ main /folder/promo.jpg",
        "export": NOTHING,
    },
    "missing": {
        "status": "syncd is not running",
        "status --files": "main: /folder/promo.jpg: syncd is not running",
        "find": "main: missing since <time>: syncd is not running",
        "log": "<time>  found  /folder/promo.jpg",
        "plan": "+ main /folder/promo.jpg",
        "export": "missing,syncd is not running",
    },
    "paused": {
        "status": FROZEN,
        "status --files": f"main: /folder/promo.jpg: the account is {FROZEN}",
        "find": f"main: missing since <time>: the account is {FROZEN}",
        "log": "<time>  found  /folder/promo.jpg",
        "plan": f"account main: 2 wanted, 1 held; {FROZEN}",
        "export": f"missing,the account is {FROZEN}",
    },
    "rejected": {
        "status": "main: rejected 1 image: 100/2490361: The file is not valid.",
        "status --files": "main: /folder/promo.jpg: 100/2490361: The file is not valid.",
        "find": "main: rejected: 100/2490361: The file is not valid.",
        "log": "rejected by main  /folder/promo.jpg  (100/2490361: The file is not valid.)",
        "plan": "! main /folder/promo.jpg: 100/2490361: The file is not valid.",
        "export": "rejected,100/2490361: The file is not valid.",
    },
    "held": {
        "status": "in sync",
        "status --files": NOTHING,
        "find": "main: held as <hash> since <time>, named promo.jpg",
        "log": "uploaded to main  /folder/promo.jpg  <hash>",
        "plan": "account main: 2 wanted, 2 held\n  would send nothing",
        "export": "<hash>,promo.jpg,1424,held,",
    },
    "file deleted": {
        "status": "syncd is not running",
        "status --files": NOTHING,
        "find": "deleted   this file is gone since the last scan",
        "log": "uploaded to main  /folder/promo.jpg  <hash>",
        "plan": "account main: 2 wanted, 2 held",
        "export": "<hash>,promo.jpg,1424,held,",
    },
    "condemned": {
        "status": "folder spring: 1 file, scanned",
        "status --files": NOTHING,
        "find": "named promo.jpg; its deletion waits for the end of the grace period",
        "log": "condemned in main  /folder/promo.jpg  <hash>",
        "plan": "x main /folder/promo.jpg: waiting",
        "export": "<hash>,promo.jpg,1424,condemned,waiting",
    },
    "deleted": {
        "status": "folder spring: 1 file, scanned",
        "status --files": NOTHING,
        "find": "main: deleted at <time>: no file needed it",
        "log": "deleted from main  /folder/promo.jpg  <hash>",
        "plan": "account main: 1 wanted, 1 held\n  would send nothing",
        "export": NOTHING,
    },
    "kept": {
        "status": "folder spring: 1 file, scanned",
        "status --files": NOTHING,
        "find": "; kept: its file left a folder that keeps its images",
        "log": "kept in main  /folder/promo.jpg  <hash>  (its file left a folder that keeps",
        "plan": "account main: 1 wanted, 1 held\n  would send nothing",
        "export": "<hash>,promo.jpg,1424,kept,keep",
    },
}
"""What each command prints in each state; `status --files` lists the files that are missing, or
skipped or rejected where the state is that."""

UPLOADED = ("held", "file deleted", "condemned", "kept")
"""The states in which `syncd find` exits with 0."""


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return Rig(
        tmp_path,
        sandbox,
        per_folder='deletions = "propagate"\nexclude = ["drafts/"]',
        watch='rescan = "1s"',
        toml='[deletions]\ngrace = "1h"\n',
    )


async def test_every_command_reports_each_state_of_an_image(rig: Rig) -> None:
    os.utime(rig.write("stays.jpg", picture(2)), (1, 1))
    draft, file = rig.write("drafts/promo.jpg", CONTENT), rig.folder / "promo.jpg"
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("image.held", "stays.jpg"))
        await scanned(daemon)
        await check(rig, "skipped")
        rig.settle = "1h"
        await reload(rig, daemon)
        draft.rename(file)
        await scanned(daemon)
        await check(rig, "settling")
        rig.sandbox.faults.add(Fault("hang", on="upload"))
        rig.settle = "0s"
        await reload(rig, daemon)
        await until(lambda: rig.rows("SELECT 1 FROM file WHERE name = ?", b"promo.jpg") != [])
        await daemon.end(signal.SIGKILL)
    await check(rig, "missing")
    await command(rig, "pause", "main", "--why", "the campaign is frozen")
    rig.sandbox.faults.clear()
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        await scanned(daemon)
        await check(rig, "paused")
        rig.sandbox.faults.add(Fault("100/2490361", on="upload", image="promo.jpg"))
        await command(rig, "resume", "main")
        await until(lambda: daemon.logged("image.rejected"))
        await check(rig, "rejected")
        rig.sandbox.faults.clear()
        await command(rig, "retry", "--rejected")
        await until(lambda: daemon.logged("image.held", "promo.jpg"))
        await scanned(daemon)
        await check(rig, "held")
        assert await daemon.end() == 0
    file.unlink()
    await check(rig, "file deleted")
    async with running(rig) as daemon:
        await recorded(rig, daemon, "deletion")
        await check(rig, "condemned")
        rig.toml = '[deletions]\ngrace = "0s"\n'
        await reload(rig, daemon)
        await until(lambda: daemon.logged("image.deleted"), DELETED_WITHIN)
        await check(rig, "deleted")
        rig.per_folder = rig.per_folder.replace("propagate", "keep")
        await reload(rig, daemon)
        rig.write("promo.jpg", CONTENT)
        await until(lambda: daemon.logged("image.held", "promo.jpg"))
        await scanned(daemon)
        file.unlink()
        await recorded(rig, daemon, "kept")
        await check(rig, "kept")


async def scanned(daemon: Daemon) -> None:
    """Wait for two more scans, the second of which began after this call."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


async def recorded(rig: Rig, daemon: Daemon, table: str) -> None:
    """Wait until a table has a row, and scans have recorded the number of files."""
    await until(lambda: rig.rows(f"SELECT 1 FROM {table}") != [])
    await scanned(daemon)


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def check(rig: Rig, state: str) -> None:
    """Assert what every command prints while the image has this state, and its exit code."""
    kind = state if state in ("skipped", "rejected") else "missing"
    ended = await asyncio.gather(
        command(rig, "status"),
        command(rig, "status", "--files", kind),
        command(rig, "find", "promo.jpg"),
        command(rig, "log", "promo.jpg"),
        command(rig, "plan", "--files"),
        command(rig, "export", "--all"),
    )
    outputs = [readable(rig, one.out + one.err) for one in ended]
    for (name, expected), output in zip(STORY[state].items(), outputs, strict=True):
        if expected == NOTHING:
            assert "promo" not in output, (state, name)
        else:
            assert expected in output, (state, name, output)
    is_known_to_the_ledger = state not in ("skipped", "settling")
    codes = (0, 0, 0 if state in UPLOADED else 3, 0 if is_known_to_the_ledger else 1, 0, 0)
    assert tuple(one.code for one in ended) == codes, state


def readable(rig: Rig, output: str) -> str:
    """Return an output with short paths, and placeholders for times and hashes."""
    output = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "<time>", output)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hash>", output.replace(str(rig.path), ""))
