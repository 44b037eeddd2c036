"""The workers of the first walk are forked when the process starts, if the ledger is large."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import early_workers
from support.early_workers import is_alive
from support.scene import Scene
from support.waiting import wait_until

from syncd.folders.scanning.scan_pool import WORKERS, WORKERS_AFTER
from syncd.folders.scanning.scan_worker import serve
from syncd.ledger import folders
from syncd.model import Moment, RootIdentity

FILES = 4000


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a folder whose files are all known, and which was large when it was last trusted."""
    scene = Scene(tmp_path)
    names = [b"%02d/%02d/%d.jpg" % (n % 20, n % 400 // 20, n) for n in range(FILES)]
    scene.put(*names)
    scene.record(*names)
    trust(scene, WORKERS_AFTER)
    yield scene
    scene.db.close()


def trust(scene: Scene, count: int) -> None:
    root = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
    folders.trust(scene.folder, root, "", count, Moment(at=1.0, age=1.0))(scene.db)


class Process:
    """A process that has forked its workers, or found no reason to, and has not walked yet."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self.early = sorted(self._numbers())

    def walk(self) -> tuple[list[int], int, int]:
        """Return the children during the walk, the number of files, and of children at its end."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        during = self._numbers()
        files, left = self._numbers()
        return sorted(during), files, left

    def kill(self) -> None:
        self._process.kill()

    def _numbers(self) -> list[int]:
        assert self._process.stdout is not None
        return list(map(int, self._process.stdout.readline().split()))


@contextmanager
def started(scene: Scene, ledger: Path | None = None) -> Iterator[Process]:
    code = [sys.executable, early_workers.__file__]
    command = [*code, str(ledger or scene.ledger), str(scene.root), str(scene.folder)]
    environ = {**os.environ, "PYTHONPATH": str(Path(early_workers.__file__).parents[1])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environ) as process:
        try:
            yield Process(process)
        finally:
            process.kill()


def test_the_first_walk_uses_the_workers_that_were_forked_early(scene: Scene) -> None:
    with started(scene) as process:
        assert len(process.early) == WORKERS
        during, files, left = process.walk()
        assert (during, files, left) == (process.early, FILES, 0)


def test_no_worker_is_forked_for_a_small_folder(scene: Scene) -> None:
    trust(scene, WORKERS_AFTER - 1)
    with started(scene) as process:
        assert process.early == []


def test_no_worker_is_forked_for_a_folder_that_is_not_configured_any_longer(scene: Scene) -> None:
    folders.retire_others([])(scene.db)
    with started(scene) as process:
        assert process.early == []


@pytest.mark.parametrize("content", [None, b"not a ledger"])
def test_a_ledger_that_cannot_be_read_does_not_end_the_process(
    scene: Scene, tmp_path: Path, content: bytes | None
) -> None:
    other = tmp_path / "other.db"
    if content is not None:
        other.write_bytes(content)
    with started(scene, other) as process:
        assert process.early == []


def test_a_walk_starts_workers_in_place_of_lost_ones(scene: Scene) -> None:
    with started(scene) as process:
        for pid in process.early:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, process.early)))
        during, files, left = process.walk()
        assert len(during) == WORKERS
        assert set(during).isdisjoint(process.early)
        assert (files, left) == (FILES, 0)


def test_a_forked_worker_has_no_descriptors_but_its_own(scene: Scene) -> None:
    with started(scene) as process:
        wait_until(
            lambda: all(
                sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"] for pid in process.early
            )
        )


def test_forked_workers_do_not_outlive_their_parent(scene: Scene) -> None:
    with started(scene) as process:
        process.kill()
        wait_until(lambda: not any(map(is_alive, process.early)))


def test_a_worker_that_no_walk_uses_ends() -> None:
    lists, to_worker = os.pipe()
    from_worker, records = os.pipe()
    with os.fdopen(lists, "rb") as unused, os.fdopen(records, "wb") as output:
        serve(unused, output, max_unused=0.01)
    with os.fdopen(from_worker, "rb") as nothing:
        assert nothing.read() == b""
    os.close(to_worker)
