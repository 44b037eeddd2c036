"""The folders that an event belongs to."""

import os

from syncd.folders.watching.shared_watch import by_root


def found(*paths: str) -> dict[bytes, frozenset[bytes]]:
    roots = dict.fromkeys([b"/a", b"/a/b", b"/ab"])
    return by_root(frozenset((1, path) for path in paths), roots)


def test_an_event_belongs_to_every_folder_above_it() -> None:
    assert found("/a/b/c.jpg") == {b"/a": {b"/a/b/c.jpg"}, b"/a/b": {b"/a/b/c.jpg"}}
    assert found("/a/b") == {b"/a": {b"/a/b"}, b"/a/b": {b"/a/b"}}
    assert found("/ab/c.jpg", "/a/d.jpg") == {b"/ab": {b"/ab/c.jpg"}, b"/a": {b"/a/d.jpg"}}
    assert found("/", "/abc/d.jpg", "/b/c.jpg") == {}


def test_every_event_belongs_to_the_root_of_the_system() -> None:
    changes = frozenset((1, os.fsdecode(path)) for path in (b"/a", b"/b/\xff"))
    assert by_root(changes, {b"/": None}) == {b"/": {b"/a", b"/b/\xff"}}
