"""Every record in the log of the real process agrees with the catalogue."""

import json
import signal
from pathlib import Path

from support.pictures import picture
from support.process import running
from support.rig import Rig, until

from syncd.logs.catalogue import CATALOGUE
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

KNOWN = {event.name: event for event in CATALOGUE}
EVERY_RECORD = {"timestamp", "level", "event"}


async def test_each_record_has_a_level_and_the_fields_of_its_event(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(
        tmp_path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        mirrors=("eu",),
        toml='[log]\nformat = "json"\nlevel = "debug"\nstats_every = "1s"\n',
    )
    rig.sandbox.faults.add(Fault("2", times=2, on="upload"))
    rig.write("a.jpg", picture(1))
    rig.write("not an image.jpg", b"words")
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(picture(1), account) for account in "12"))
        rig.write("sub/again.jpg", picture(1))
        await until(lambda: daemon.logged("file.known") and daemon.logged('"stats"'))
        daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: daemon.logged("daemon.reloaded"))
        assert await daemon.end() == 0
    seen = set()
    for line in daemon.lines:
        record = json.loads(line)
        event = KNOWN[record["event"]]
        seen.add(event.name)
        assert record["level"] in event.levels, line
        assert set(record) - EVERY_RECORD == set(event.fields), line
    assert seen >= {
        "image.retrying", "daemon.reloaded", "daemon.started",
        "daemon.stopped", "file.known", "file.rejected", "image.held", "scan.done", "stats",
        "upload.done", "watch.ready",
    }  # fmt: skip
