"""A fact has one name and one form: in the log, JSON, the export and the ledger's views."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until

from syncd.logs.catalogue import CATALOGUE
from syncd.sandbox.faults import Fault

OTHER_NAMES = {
    "account": {"act", "account_name"},
    "file": {"filename", "file_path", "directory"},
    "hash": {"image_hash", "meta_hash"},
    "images": {"image_count"},
    "inactive": {"internal"},
    "name": {"remote_name"},
    "remedy": {"fix"},
    "scanned_at": {"trusted_at", "last_scan"},
    "sha256": {"digest", "checksum"},
    "since": {"begin", "began_at"},
    "state": {"status"},
    "timestamp": {"time", "at", "date"},
    "user": {"operator", "by"},
    "why": {"reason", "cause", "error", "last_error"},
}
"""The name of a fact, and names that it does not have."""

THEIRS = {("image.inactive", "status")}
"""Fields for another fact: the status of an image that the API reports."""

TIMES = ("_at", "since", "until", "timestamp")
COMMANDS = (
    ("plan", "--files"),
    ("status",),
    *(("status", "--files", kind) for kind in ("missing", "rejected", "skipped", "unreadable")),
    ("log",),
    ("deletions",),
    ("deletions", "--kept"),
    ("check",),
    ("ledger", "check"),
    ("retry",),
)


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each name of a JSON value with what it names, at every depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item
            yield from members(item)
    elif isinstance(value, list):
        for item in value:
            yield from members(item)


async def outputs(rig: Rig, *about: str) -> dict[str, Any]:
    """Return the output of each command that prints JSON, by the command."""
    found = {}
    config = ("--config", str(rig.write_config()))
    for words in (*COMMANDS, *(("find", path) for path in about), ("backfill",), ("audit",)):
        ended = await syncd(rig, *words, "--json", *config)
        found[" ".join(words)] = json.loads(ended.out)
    exported = await syncd(rig, "export", "--all", "--format", "json", *config)
    found["export"] = json.loads(exported.out)
    rows = csv.DictReader(io.StringIO((await syncd(rig, "export", "--all", *config)).out))
    found["export as CSV"] = list(rows)
    return found


async def scene(rig: Rig) -> dict[str, Any]:
    """Return the outputs with a held, a rejected, a skipped and a kept image, and a pause."""
    kept = rig.write("kept.jpg", picture(1))
    held = rig.write("held.jpg", picture(2))
    rig.write("sub/words.jpg", b"words")
    rig.write("skipped.webp", b"RIFF")
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(picture(number)) is not None for number in (1, 2)))
        kept.unlink()
        await until(lambda: rig.rows("SELECT 1 FROM kept") == [(1,)])
        rig.sandbox.faults.add(Fault("190", on="upload"))
        rig.write("missing.jpg", picture(3))
        await until(lambda: daemon.logged("account.stopped"))
        assert await daemon.end() == 0
    return await outputs(rig, str(held), str(rig.folder / "sub/words.jpg"))


async def test_no_fact_has_a_second_name_or_form(rig: Rig) -> None:
    shown = await scene(rig)
    names = {(command, name) for command, value in shown.items() for name, _ in members(value)}
    names |= {(event.name, field) for event in CATALOGUE for field in event.fields}
    for view in ("files", "replicas"):
        names |= {
            (view, column)
            for (column,) in rig.rows(f"SELECT name FROM pragma_table_info('{view}')")
        }
    others = set[str]().union(*OTHER_NAMES.values())
    assert {(where, name) for where, name in names - THEIRS if name in others} == set()
    assert {name for _, name in names} >= set(OTHER_NAMES)
    facts = [
        (command, name, item) for command, value in shown.items() for name, item in members(value)
    ]
    files = [item for _, name, item in facts if name == "file"]
    assert len(files) > 20
    assert [file for file in files if not file.startswith(str(rig.folder))] == []
    times = [(where, item) for where, name, item in facts if name.endswith(TIMES) and item]
    assert {where for where, _ in times} >= {"status", "log"}
    for where, time in times:
        assert isinstance(time, str), where
        assert time.endswith("Z"), where
        datetime.fromisoformat(time)
