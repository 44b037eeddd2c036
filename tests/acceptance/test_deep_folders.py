"""The real process and a picture below more directories than Python can call functions."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import running
from support.rig import Rig, until

DEPTH = 1100

DEADLINE = 90.0  # seconds; the scan of 1,100 directories took more than 20 on a busy machine


@contextmanager
def deep_directory(root: Path, name: str) -> Iterator[int]:
    """Return a descriptor of a directory at DEPTH, whose path can be too long for one call."""
    here = os.open(root, os.O_DIRECTORY)
    try:
        for _ in range(DEPTH):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)
        subprocess.run(["rm", "-r", root / name], check=True)  # rmtree of Python 3.11 is recursive


@pytest.mark.parametrize("name", ["d", "a-long-name"])
async def test_pictures_below_and_next_to_deep_directories_are_uploaded(
    rig: Rig, name: str
) -> None:
    with deep_directory(rig.folder, name) as deepest:
        file = os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=deepest)
        os.write(file, picture(1))
        os.close(file)
        rig.write("good.jpg", picture(2))
        async with running(rig) as daemon:
            await until(lambda: rig.recorded(picture(2)) is not None)
            await until(lambda: rig.recorded(picture(1)) is not None, DEADLINE)
            assert await daemon.end() == 0
