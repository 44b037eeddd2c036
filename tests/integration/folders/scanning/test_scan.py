"""A walk compared with a real ledger: new, changed, missing and unchanged files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.scene import IMAGES, Scene, found

from syncd.folders.safe_open import Way, stat_of
from syncd.folders.scanning.diff import Comparison
from syncd.folders.scanning.scan import Stretch
from syncd.folders.scanning.walk import SLICE
from syncd.folders.watching.targets import ScanTarget
from syncd.ledger import files
from syncd.ledger.file import connect_reader


def open_below(root: Path) -> list[str]:
    """Return the directories and files below the root that this process has open."""
    descriptors = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    paths = [os.readlink(path) for path in descriptors if os.path.lexists(path)]
    return [path for path in paths if (path + "/").startswith(f"{root}/")]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.db.close()


def numbered(count: int) -> list[bytes]:
    return [b"%05d.jpg" % number for number in range(count)]


def test_an_unchanged_folder_has_no_differences(scene: Scene) -> None:
    names = [b"a.jpg", b"sub/\xff\n.jpg", b"sub/deeper/c.jpg"]
    scene.put(*names, b"sub/.hidden.jpg", b"sub/notes.txt", b"drafts/d.jpg")
    scene.record(*names)
    assert scene.scan() == Stretch(seen=3)


def test_new_changed_and_missing_files_are_distinguished(scene: Scene) -> None:
    scene.put(b"changed.jpg", b"gone.jpg", b"same.jpg", b"sub/same.jpg", b"lost/a.jpg")
    scene.record(b"changed.jpg", b"gone.jpg", b"same.jpg", b"sub/same.jpg", b"lost/a.jpg")
    scene.put(b"changed.jpg", b"new.jpg", b"fresh/new.jpg")
    os.unlink(scene.path(b"gone.jpg"))
    os.rename(scene.path(b"lost"), scene.path(b"drafts"))
    whole = scene.scan()
    assert found(whole) == [b"changed.jpg", b"fresh/new.jpg", b"new.jpg"]
    assert scene.missed(whole) == [b"gone.jpg", b"lost/"]
    assert (whole.seen, whole.troubles) == (5, [])


def test_a_large_directory_is_compared_without_a_gap(scene: Scene) -> None:
    names = numbered(3 * SLICE + 10)
    scene.put(*names)
    scene.record(*names)
    assert scene.scan() == Stretch(seen=len(names))
    # Both ends, both sides of each border between slices, and one whole slice.
    borders = [0, SLICE - 1, SLICE, 3 * SLICE - 1, 3 * SLICE, len(names) - 1]
    gone = sorted({names[n] for n in borders} | set(names[SLICE : 2 * SLICE]))
    for name in gone:
        os.unlink(scene.path(name))
    new = [names[n][:-4] + b"-.jpg" for n in borders]
    scene.put(*new, names[1])
    whole = scene.scan()
    assert found(whole) == sorted([*new, names[1]])
    assert scene.missed(whole) == gone
    for left in scene.root.iterdir():
        left.unlink()
    assert scene.missed(scene.scan()) == names


def test_a_file_that_is_recorded_after_the_listing_is_not_missing(scene: Scene) -> None:
    names = numbered(2 * SLICE)
    scene.put(*names)
    scene.record(*names)
    with closing(connect_reader(scene.ledger)) as db, Way(os.fsencode(scene.root)) as way:
        parts = Comparison(db, scene.folder, way, IMAGES).parts(b"")
        assert next(parts).seen == SLICE
        scene.put(b"99999.jpg", b"late/a.jpg")
        scene.record(b"99999.jpg", b"late/a.jpg")
        rest = list(parts)
    assert sum(part.seen for part in rest) == SLICE + 1
    assert all(part.missed is None and not part.found for part in rest)


def test_a_file_that_was_unreadable_is_found_again(scene: Scene) -> None:
    scene.put(b"a.jpg")
    scene.record_trouble(b"a.jpg", stat_of(os.stat(scene.path(b"a.jpg"))))
    assert found(scene.scan()) == [b"a.jpg"]


def test_a_link_has_the_stat_of_its_target(scene: Scene) -> None:
    scene.put(b"real.data", b"plain.jpg")
    (scene.root / "link.jpg").symlink_to("real.data")
    scene.record(b"link.jpg", b"plain.jpg")
    assert scene.scan() == Stretch(seen=2)
    scene.put(b"real.data")
    assert found(scene.scan()) == [b"link.jpg"]
    (scene.root / "link.jpg").unlink()
    (scene.root / "link.jpg").symlink_to("../outside.jpg")
    assert scene.missed(scene.scan()) == [b"link.jpg"]


def test_a_name_that_is_no_longer_a_file_is_missing(scene: Scene) -> None:
    scene.put(b"a.jpg", b"b.jpg", b"sub/c.jpg")
    scene.record(b"a.jpg", b"b.jpg", b"sub/c.jpg")
    for name in (b"a.jpg", b"b.jpg"):
        os.unlink(scene.path(name))
    os.mkdir(scene.path(b"a.jpg"))
    os.mkfifo(scene.path(b"b.jpg"))
    os.rename(scene.path(b"sub"), scene.path(b"moved"))
    scene.put(b"sub")
    whole = scene.scan()
    assert scene.missed(whole) == [b"a.jpg", b"b.jpg", b"sub/"]
    assert found(whole) == [b"moved/c.jpg"]


def test_a_file_that_the_patterns_no_longer_admit_is_missing(scene: Scene) -> None:
    scene.put(b"a.png", b"b.jpg", b"drafts/c.jpg")
    scene.record(b"a.png", b"b.jpg", b"drafts/c.jpg")
    whole = scene.scan()
    assert scene.missed(whole) == [b"a.png", b"drafts/"]
    assert whole.seen == 1


def test_an_unreadable_file_is_trouble_and_not_missing(scene: Scene) -> None:
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as place, closing(connect_reader(scene.ledger)) as db:
        scene.root = Path(place)
        scene.put(b"names/a.jpg", b"closed/b.jpg", b"c.jpg")
        scene.record(b"names/a.jpg", b"closed/b.jpg", b"c.jpg")
        db.execute("SELECT * FROM file").fetchall()  # opens all files that SQLite needs
        for name, mode in ((b"", 0o755), (b"names", 0o644), (b"closed", 0o700)):
            os.chmod(scene.path(name), mode)
        os.seteuid(before or 65534)  # root can read everything
        try:
            with Way(os.fsencode(scene.root)) as way:
                compared = Comparison(db, scene.folder, way, IMAGES)
                parts = [
                    part for path in (b"", b"names", b"closed") for part in compared.parts(path)
                ]
        finally:
            os.seteuid(before)
            os.chmod(scene.path(b"names"), 0o755)
    troubles = [(trouble.path, trouble.reason) for part in parts for trouble in part.troubles]
    assert troubles == [
        (b"names/a.jpg", "permission denied"),
        (b"closed", "permission denied"),
    ]
    assert all(part.missed is None and not part.found for part in parts)


def test_a_shallow_target_excludes_sub_directories(scene: Scene) -> None:
    scene.put(b"a.jpg", b"sub/b.jpg", b"sub/deeper/c.jpg")
    assert found(scene.scan(ScanTarget(b"sub", deep=False))) == [b"sub/b.jpg"]
    assert found(scene.scan(ScanTarget(b"sub", deep=True))) == [b"sub/b.jpg", b"sub/deeper/c.jpg"]


def test_closing_a_walk_closes_its_descriptors(scene: Scene) -> None:
    names = [b"%d/%d/a.jpg" % (n % 50, n) for n in range(3000)]
    scene.put(*names)
    walk = scene.walk()
    assert walk.stretch() is not None
    assert open_below(scene.root)
    walk.close()
    assert walk.stretch() is None
    assert open_below(scene.root) == []


def test_files_whose_numbers_all_changed_are_not_read_again(scene: Scene) -> None:
    scene.put(b"sub/a.jpg", b"sub/b.jpg", b"sub/c.jpg")
    scene.record(b"sub/a.jpg", b"sub/b.jpg", b"sub/c.jpg")
    scene.db.execute("UPDATE file SET device = device + 1, inode = inode + 1000")  # a remount
    scene.db.execute("UPDATE file SET mtime_ns = mtime_ns + 1 WHERE name = x'632e6a7067'")
    stretch = scene.scan()
    assert [place.path for place, _ in stretch.found] == [b"sub/c.jpg"]
    files.renumber(stretch.with_other_numbers)(scene.db)
    again = scene.scan()
    assert again.with_other_numbers == []
    assert [place.path for place, _ in again.found] == [b"sub/c.jpg"]


def test_a_file_whose_numbers_alone_changed_is_read_again(scene: Scene) -> None:
    scene.put(b"sub/a.jpg", b"sub/b.jpg")
    scene.record(b"sub/a.jpg", b"sub/b.jpg")
    scene.db.execute("UPDATE file SET inode = inode + 1000 WHERE name = x'612e6a7067'")
    assert [place.path for place, _ in scene.scan().found] == [b"sub/a.jpg"]
