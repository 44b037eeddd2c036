"""The parts of a house that must move, by the names that the log knows them by."""

from __future__ import annotations

import msgspec

from syncd.daemon.runtime import Runtime
from syncd.heartbeat import Heartbeat
from syncd.ledger import alerts
from syncd.model import printable


class Part(msgspec.Struct, frozen=True):
    """What is watched over, and what a person can do when it stands still."""

    name: str
    subject: str  # as the ledger's concerns have it
    pulse: Heartbeat
    remedy: str


def parts_of(house: Runtime) -> list[Part]:
    """Return each folder's scanner, watcher and reader, and each account's workers."""
    parts: list[Part] = []
    folders = house.config.folders.values()
    for folder, (folder_id, keeper) in zip(folders, house.disk.keepers.items(), strict=True):
        remedy = (
            f"look whether the disk or server of {printable(folder.path)} answers; nothing there is"
            " lost, and the other folders go on"
        )
        subject = alerts.folder(folder.name)
        parts += [
            Part(f"scanner of {folder.name}", subject, keeper.scanner, remedy),
            Part(f"watcher of {folder.name}", subject, keeper.watcher, remedy),
            Part(f"reader of {folder.name}", subject, house.disk.readers[folder_id], remedy),
        ]
    for lane in house.engine.lanes.values():
        remedy = "a call lasts longer than any may: restart syncd, which loses nothing"
        parts.append(
            Part(
                f"workers of {lane.name}", lane.subject, house.engine.calling(lane.account), remedy
            )
        )
    return parts
