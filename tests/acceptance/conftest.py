"""Mounts of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    directory = tmp_path / "mounts"
    directory.mkdir()
    with own_mounts(directory) as mounts:
        yield mounts
