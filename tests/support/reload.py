"""Reloads of a running process, and the conditions that tests of them wait for."""

import os
from pathlib import Path

from support.pictures import picture
from support.process import Daemon
from support.rig import Rig, until


async def reload(rig: Rig, daemon: Daemon) -> str:
    """Write the rig's configuration, reload it, and return the line of the log."""
    before = daemon.count("daemon.reloaded")
    rig.write_config()
    daemon.hang_up()
    await until(lambda: daemon.count("daemon.reloaded") > before)
    return next(line for line in reversed(daemon.lines) if "daemon.reloaded" in line)


async def write_and_wait(rig: Rig, daemon: Daemon, number: int) -> None:
    """Write one image into the folder, and wait until the log has it as held."""
    rig.write(f"{number}.jpg", picture(number))
    await until(lambda: daemon.logged("image.held", f"{number}.jpg"))


async def wait_for_images(rig: Rig, images: int) -> None:
    """Wait until the sandbox has received more than `images` images."""
    await until(lambda: rig.sandbox.counts.images("1") > images)


async def open_for_writing(pipe: Path) -> int:
    """Open a pipe for writing as soon as another process reads from it."""
    found: list[int] = []

    def is_open() -> bool:
        try:
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    await until(is_open)
    return found[0]
