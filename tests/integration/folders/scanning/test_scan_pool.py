"""Scouts: they change how long a walk takes, and nothing else, even when they are lost."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.scene import Scene, found, to_the_end

from syncd.folders.scanning.scan import Stretch
from syncd.folders.scanning.scan_pool import WORKERS, ScanPool, Unchanged
from syncd.folders.scanning.scan_worker import arguments, receive, send
from syncd.ledger.reader import address_of

DEADLINE = 20.0  # seconds in which a process has started or ended


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for is dead too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def scouts_of(pid: int) -> list[int]:
    """Return the scouts that a process has started."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [
        c for c in children if b"scanning.scan_worker" in Path(f"/proc/{c}/cmdline").read_bytes()
    ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.db.close()


def told(scene: Scene) -> list[str]:
    return arguments(address_of(scene.ledger), scene.tree)


def all_answers(scouts: ScanPool) -> dict[bytes, Unchanged | None]:
    answers: dict[bytes, Unchanged | None] = {}

    def has_all() -> bool:
        answers.update(scouts.results(0.1))
        return not scouts.is_working

    until(has_all)
    return answers


def test_only_what_is_just_as_the_ledger_has_it_needs_no_look(scene: Scene) -> None:
    scene.put(b"same/a.jpg", b"same/\xff\n/b.jpg", b"same/drafts/c.jpg", b"same/x.jpg/d.jpg")
    scene.put(b"new/a.jpg", b"changed/a.jpg", b"missed/a.jpg", b"missed/b.jpg", b"lost/a/a.jpg")
    scene.put(b"linked/a.jpg")
    (scene.root / "linked/b.jpg").symlink_to("a.jpg")
    scene.record(b"same/a.jpg", b"changed/a.jpg", b"missed/a.jpg", b"missed/b.jpg")
    scene.record(b"lost/a/a.jpg", b"linked/a.jpg", b"linked/b.jpg")
    scene.put(b"changed/a.jpg")
    os.unlink(scene.path(b"missed/b.jpg"))
    os.rename(scene.path(b"lost/a"), scene.path(b"lost/b"))
    with ScanPool(told(scene)) as scouts:
        scouts.submit([b"", b"same", b"new", b"changed"])
        scouts.submit([b"missed", b"lost", b"linked", b"none"])
        answers = all_answers(scouts)
    changed = {b"new", b"changed", b"missed", b"lost"}
    assert {path for path, answer in answers.items() if answer is None} == changed
    same, root, linked, none = (answers[path] for path in (b"same", b"", b"linked", b"none"))
    assert same is not None
    assert root is not None
    assert (same.images, set(same.below)) == (1, {b"same/\xff\n", b"same/x.jpg"})
    assert root.images == 0
    assert set(root.below) == {b"same", b"new", b"changed", b"missed", b"lost", b"linked"}
    assert linked == Unchanged(2, ())
    assert none == Unchanged(0, ())  # it was missed, or will be, where it stood


def large(scene: Scene) -> int:
    """Make a tree that is known, but for one file each of which is new, changed and missed."""
    names = [b"%02d/%02d/%d.jpg" % (n % 20, n % 400 // 20, n) for n in range(4000)]
    scene.put(*names)
    scene.record(*names)
    scene.put(b"19/19/new.jpg", b"05/05/105.jpg")
    os.unlink(scene.path(b"00/00/0.jpg"))
    return len(names)


def is_whole(scene: Scene, stretch: Stretch, count: int) -> bool:
    return (
        found(stretch) == [b"05/05/105.jpg", b"19/19/new.jpg"]
        and scene.missed(stretch) == [b"00/00/0.jpg"]
        and stretch.seen == count
        and not stretch.troubles
    )


def test_a_walk_behind_scouts_comes_upon_the_same(scene: Scene) -> None:
    count = large(scene)
    assert is_whole(scene, scene.scan(), count)
    assert is_whole(scene, to_the_end(scene.walk(workers_after=0)), count)
    assert scouts_of(os.getpid()) == []


def test_a_walk_whose_scouts_are_lost_goes_on_without_them(scene: Scene) -> None:
    count = large(scene)
    walk = scene.walk(workers_after=0)
    first = walk.stretch()
    assert first is not None
    for pid in scouts_of(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    rest = to_the_end(walk)
    rest.found += first.found
    rest.missed += first.missed
    rest.seen += first.seen
    assert is_whole(scene, rest, count)
    assert scouts_of(os.getpid()) == []


def test_a_walk_whose_scouts_are_silent_shows_that_it_does_not_move(scene: Scene) -> None:
    count = large(scene)
    walk = scene.walk(workers_after=0)
    whole = walk.stretch() or Stretch()
    moves: list[None] = []
    pids = scouts_of(os.getpid())
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    limit = time.monotonic() + DEADLINE
    while (stretch := walk.stretch(lambda: moves.append(None))) is not None and stretch.progress:
        assert time.monotonic() < limit
        whole.found += stretch.found
        whole.missed += stretch.missed
        whole.seen += stretch.seen
        assert moves
        moves.clear()
    assert stretch == Stretch()
    assert not moves
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    rest = to_the_end(walk)
    rest.found += whole.found
    rest.missed += whole.missed
    rest.seen += whole.seen
    assert is_whole(scene, rest, count)


def test_two_walks_at_once_have_scouts_for_one(scene: Scene) -> None:
    count = large(scene)
    walks = [scene.walk(workers_after=0), scene.walk(workers_after=0)]
    firsts = [walk.stretch() or Stretch() for walk in walks]
    assert len(scouts_of(os.getpid())) <= WORKERS
    for first, walk in zip(firsts, walks, strict=True):
        rest = to_the_end(walk)
        rest.found += first.found
        rest.missed += first.missed
        rest.seen += first.seen
        assert is_whole(scene, rest, count)


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/no/such/program"])
def test_a_walk_needs_no_scouts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    count = large(scene)
    monkeypatch.setattr(sys, "executable", program)
    assert is_whole(scene, to_the_end(scene.walk(workers_after=0)), count)


def test_what_a_lost_scout_was_given_is_looked_at(scene: Scene) -> None:
    scene.put(b"a/a.jpg", b"b/a.jpg")
    scene.record(b"a/a.jpg", b"b/a.jpg")
    with ScanPool(told(scene)) as scouts:
        until(lambda: len(scouts_of(os.getpid())) == WORKERS)
        pids = scouts_of(os.getpid())
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that it cannot answer before it is lost
        scouts.submit([b"a", b"b"])
        assert scouts.results(0.0) == []
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(is_alive, pids)))
        assert scouts.has_idle
        scouts.submit([b""])  # to one that nobody knows to be lost
        assert all_answers(scouts) == {b"a": None, b"b": None, b"": None}
        assert not scouts.has_idle
        assert not scouts.is_working


def test_a_scout_is_told_no_token(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "a secret")
    with ScanPool(told(scene)) as scouts:
        scouts.submit([b""])
        until(lambda: len(scouts_of(os.getpid())) == WORKERS)
        assert all_answers(scouts) == {b"": Unchanged(0, ())}
        for pid in scouts_of(os.getpid()):
            assert b"a secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_walk_that_is_closed_ends_its_scouts(scene: Scene) -> None:
    large(scene)
    walk = scene.walk(workers_after=0)
    walk.stretch()
    walk.close()
    assert scouts_of(os.getpid()) == []


@pytest.mark.parametrize("busy", [False, True])
def test_scouts_do_not_outlive_the_process_that_asks(scene: Scene, busy: bool) -> None:
    large(scene)
    code = (
        "import sys; from syncd.folders.scanning.scan_pool import ScanPool\n"
        "with ScanPool(sys.argv[2:]) as scouts:\n"
        "    scouts.submit([b'']); scouts.results(60.0); print(flush=True)\n"
        "    while int(sys.argv[1]):\n"
        "        if scouts.has_idle: scouts.submit([b'%02d' % n for n in range(20)])\n"
        "        scouts.results(60.0)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(int(busy)), *told(scene)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"\n"  # one has started
        until(lambda: len(scouts_of(asking.pid)) == WORKERS)
        pids = scouts_of(asking.pid)
        asking.kill()
    until(lambda: not any(map(is_alive, pids)))


def test_a_frame_that_was_cut_off_is_the_end() -> None:
    pipe = io.BytesIO()
    send(pipe, [b"", b"a\nb", b"\xff"])
    whole = pipe.getvalue()
    assert receive(io.BytesIO(whole)) == [b"", b"a\nb", b"\xff"]
    for length in range(len(whole)):
        assert receive(io.BytesIO(whole[:length])) is None
