"""Workers of a walk change how long it takes, and nothing else, even when they are lost."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.early_workers import is_alive
from support.scene import Scene, found, to_the_end
from support.waiting import DEADLINE, wait_until

from syncd.folders.scanning.scan import Stretch, Walk
from syncd.folders.scanning.scan_pool import WORKERS, ScanPool, Unchanged
from syncd.folders.scanning.scan_worker import description, receive, send
from syncd.folders.watching.targets import ScanTarget
from syncd.ledger import folders
from syncd.ledger.reader import address_of
from syncd.model import Moment, RootIdentity


def children_of(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def workers_of(pid: int) -> list[int]:
    """Return the workers that a process has started as new processes."""
    return [
        child
        for child in children_of(pid)
        if b"scanning.scan_worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.db.close()


def described(scene: Scene) -> list[bytes]:
    return description(address_of(scene.ledger), scene.tree)


def all_results(pool: ScanPool) -> dict[bytes, Unchanged | None]:
    results: dict[bytes, Unchanged | None] = {}

    def has_all() -> bool:
        results.update(pool.results(0.1))
        return not pool.is_working

    wait_until(has_all)
    return results


def test_only_directories_without_differences_are_unchanged(scene: Scene) -> None:
    scene.put(b"same/a.jpg", b"same/\xff\n/b.jpg", b"same/drafts/c.jpg", b"same/x.jpg/d.jpg")
    scene.put(b"new/a.jpg", b"changed/a.jpg", b"missed/a.jpg", b"missed/b.jpg", b"lost/a/a.jpg")
    scene.put(b"linked/a.jpg")
    (scene.root / "linked/b.jpg").symlink_to("a.jpg")
    scene.record(b"same/a.jpg", b"changed/a.jpg", b"missed/a.jpg", b"missed/b.jpg")
    scene.record(b"lost/a/a.jpg", b"linked/a.jpg", b"linked/b.jpg")
    scene.put(b"changed/a.jpg")
    os.unlink(scene.path(b"missed/b.jpg"))
    os.rename(scene.path(b"lost/a"), scene.path(b"lost/b"))
    with ScanPool(described(scene)) as pool:
        pool.submit([b"", b"same", b"new", b"changed"])
        pool.submit([b"missed", b"lost", b"linked", b"none"])
        results = all_results(pool)
    changed = {b"new", b"changed", b"missed", b"lost"}
    assert {path for path, result in results.items() if result is None} == changed
    same, root, linked, none = (results[path] for path in (b"same", b"", b"linked", b"none"))
    assert same is not None
    assert root is not None
    assert (same.images, set(same.below)) == (1, {b"same/\xff\n", b"same/x.jpg"})
    assert root.images == 0
    assert set(root.below) == {b"same", b"new", b"changed", b"missed", b"lost", b"linked"}
    assert linked == Unchanged(2, ())
    assert none == Unchanged(0, ())  # it is missed in its parent


def large(scene: Scene) -> int:
    """Create a tree that the ledger knows, except one new, one changed and one missing file."""
    names = [b"%02d/%02d/%d.jpg" % (n % 20, n % 400 // 20, n) for n in range(4000)]
    scene.put(*names)
    scene.record(*names)
    scene.put(b"19/19/new.jpg", b"05/05/105.jpg")
    os.unlink(scene.path(b"00/00/0.jpg"))
    return len(names)


def is_complete(scene: Scene, stretch: Stretch, count: int) -> bool:
    return (
        found(stretch) == [b"05/05/105.jpg", b"19/19/new.jpg"]
        and scene.missed(stretch) == [b"00/00/0.jpg"]
        and stretch.seen == count
        and not stretch.troubles
    )


def test_a_walk_with_workers_finds_the_same(scene: Scene) -> None:
    count = large(scene)
    assert is_complete(scene, scene.scan(), count)
    assert is_complete(scene, to_the_end(scene.walk(workers_after=0)), count)
    assert workers_of(os.getpid()) == []


def workers_during(walk: Walk) -> set[int]:
    """Walk to the end; return the workers that were seen after any part of a directory."""
    seen: set[int] = set()
    while walk.stretch(lambda: seen.update(workers_of(os.getpid()))) is not None:
        continue
    return seen


def test_workers_start_early_where_the_last_scan_saw_many_files(scene: Scene) -> None:
    count = large(scene)
    assert workers_during(scene.walk(workers_after=count)) == set()
    began = Moment(at=1.0, age=1.0)
    root = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
    folders.trust(scene.folder, root, "", count, began)(scene.db)
    assert workers_during(scene.walk(ScanTarget(b"00", deep=True), workers_after=count)) == set()
    assert len(workers_during(scene.walk(workers_after=count))) == WORKERS


def test_a_walk_continues_without_workers_that_are_lost(scene: Scene) -> None:
    count = large(scene)
    walk = scene.walk(workers_after=0)
    first = walk.stretch()
    assert first is not None
    for pid in workers_of(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    rest = to_the_end(walk)
    rest.found += first.found
    rest.missed += first.missed
    rest.seen += first.seen
    assert is_complete(scene, rest, count)
    assert workers_of(os.getpid()) == []


def test_a_walk_with_silent_workers_shows_no_progress(scene: Scene) -> None:
    count = large(scene)
    walk = scene.walk(workers_after=0)
    whole = walk.stretch() or Stretch()
    beats: list[None] = []
    pids = workers_of(os.getpid())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    limit = time.monotonic() + DEADLINE
    while (stretch := walk.stretch(lambda: beats.append(None))) is not None and stretch.progress:
        assert time.monotonic() < limit
        whole.found += stretch.found
        whole.missed += stretch.missed
        whole.seen += stretch.seen
        assert beats
        beats.clear()
    assert stretch == Stretch()
    assert not beats
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    rest = to_the_end(walk)
    rest.found += whole.found
    rest.missed += whole.missed
    rest.seen += whole.seen
    assert is_complete(scene, rest, count)


def test_only_one_of_two_walks_has_workers(scene: Scene) -> None:
    count = large(scene)
    walks = [scene.walk(workers_after=0), scene.walk(workers_after=0)]
    firsts = [walk.stretch() or Stretch() for walk in walks]
    assert len(workers_of(os.getpid())) <= WORKERS
    for first, walk in zip(firsts, walks, strict=True):
        rest = to_the_end(walk)
        rest.found += first.found
        rest.missed += first.missed
        rest.seen += first.seen
        assert is_complete(scene, rest, count)


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/no/such/program"])
def test_a_walk_works_without_workers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    count = large(scene)
    monkeypatch.setattr(sys, "executable", program)
    assert is_complete(scene, to_the_end(scene.walk(workers_after=0)), count)


def test_the_directories_of_a_lost_worker_are_left_to_the_walk(scene: Scene) -> None:
    scene.put(b"a/a.jpg", b"b/a.jpg")
    scene.record(b"a/a.jpg", b"b/a.jpg")
    with ScanPool(described(scene)) as pool:
        wait_until(lambda: len(workers_of(os.getpid())) == WORKERS)
        pids = workers_of(os.getpid())
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that it cannot answer before it is killed
        pool.submit([b"a", b"b"])
        assert pool.results(0.0) == []
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)))
        assert pool.has_idle
        pool.submit([b""])  # to one that the pool does not know to be lost
        assert all_results(pool) == {b"a": None, b"b": None, b"": None}
        assert not pool.has_idle
        assert not pool.is_working


def test_a_worker_does_not_get_a_token(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "a secret")
    with ScanPool(described(scene)) as pool:
        pool.submit([b""])
        wait_until(lambda: len(workers_of(os.getpid())) == WORKERS)
        assert all_results(pool) == {b"": Unchanged(0, ())}
        for pid in workers_of(os.getpid()):
            assert b"a secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_closing_a_walk_ends_its_workers(scene: Scene) -> None:
    large(scene)
    walk = scene.walk(workers_after=0)
    walk.stretch()
    walk.close()
    assert workers_of(os.getpid()) == []


@pytest.mark.parametrize("busy", [False, True])
def test_workers_do_not_outlive_their_parent(scene: Scene, busy: bool) -> None:
    large(scene)
    code = (
        "import sys; from syncd.folders.scanning.scan_pool import ScanPool\n"
        "with ScanPool([bytes.fromhex(text) for text in sys.argv[2:]]) as pool:\n"
        "    pool.submit([b'']); pool.results(60.0); print(flush=True)\n"
        "    while int(sys.argv[1]):\n"
        "        if pool.has_idle: pool.submit([b'%02d' % n for n in range(20)])\n"
        "        pool.results(60.0)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(int(busy)), *map(bytes.hex, described(scene))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"\n"  # one has started
        wait_until(lambda: len(workers_of(parent.pid)) == WORKERS)
        pids = workers_of(parent.pid)
        parent.kill()
    wait_until(lambda: not any(map(is_alive, pids)))


def test_a_truncated_list_is_the_end() -> None:
    pipe = io.BytesIO()
    send(pipe, [b"", b"a\nb", b"\xff"])
    whole = pipe.getvalue()
    assert receive(io.BytesIO(whole)) == [b"", b"a\nb", b"\xff"]
    for length in range(len(whole)):
        assert receive(io.BytesIO(whole[:length])) is None
