"""One watch on a directory tree, from its building to its end; the only module with watchfiles.

watchfiles stops at the first directory that it cannot read, and leaves the rest of the tree without
a watch. Its option to ignore that also ignores a limit of the system. This module works around
both.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from syncd.folders.safe_open import sentence

DELETED = 3  # watchfiles.Change
DEBOUNCE_MS, STEP_MS = 200, 20
"""A file of an idle folder is uploaded 34 ms after it was closed (p95 38). Steps of 10 ms change
nothing of that, and take 0.12 % more of a core."""

SUSPICIOUS = 2000
"""Paths at once that may be the rest of an overflow, which notify does not report: the queue holds
16,384 events (fs.inotify.max_queued_events), and a file that is written causes four or more."""

Changes = frozenset[tuple[int, str]]
NOTHING: Changes = frozenset()


class WatchLimitReached(Exception):
    """The system grants no further watches; the argument is the advice to the operator.

    `path` is where the limit was met; empty if no watch could begin at all.
    """

    def __init__(self, advice: str, path: bytes = b"") -> None:
        super().__init__(advice)
        self.path = path


class WatchEnded(Exception):
    """The watch has ended, or could not be built; the argument is the reason.

    `path` is the name that is not UTF-8; empty after any other reason.
    """

    def __init__(self, reason: str, path: bytes = b"") -> None:
        super().__init__(reason)
        self.path = path


class WatchDenied(WatchEnded):
    """The watch met a directory that syncd must not read."""


class Watch:
    """A watch on the tree at `root`, a real path."""

    def __init__(self, root: bytes, notify: RustNotify, unreadable: Iterable[bytes] = ()) -> None:
        self.root = root
        self._notify = notify
        self._unreadable = frozenset(unreadable)

    def changes(self, quiet: float, stop: threading.Event) -> Changes:
        """Return the next changes; none after `quiet` seconds without one, or when stopped.

        Raises WatchEnded.
        """
        with _translated():
            changes = self._notify.watch(DEBOUNCE_MS, STEP_MS, int(quiet * 1000), stop)
        return NOTHING if isinstance(changes, str) else frozenset(changes)

    def paths(self, changes: Changes) -> list[bytes]:
        """Return the changed paths, relative to the root."""
        return relative_to(self.root, (os.fsencode(path) for _, path in changes))

    def is_ended_by(self, changes: Changes) -> bool:
        """Return whether the root was deleted, or an unreadable directory has changed."""
        if (DELETED, os.fsdecode(self.root)) in changes:
            return True
        return bool(self._unreadable) and any(
            os.fsencode(path) in self._unreadable for _, path in changes
        )

    def close(self) -> None:
        """Return the watches to the system."""
        self._notify.close()


def build(root: bytes) -> Watch:
    """Build a watch on the tree at a real path, which holds the GIL for 16 us per directory.

    Raises WatchLimitReached or WatchEnded.
    """
    try:
        return Watch(root, _notify([root]))
    except WatchDenied:
        return _build_around_unreadable(root)


def build_shared(
    roots: Sequence[bytes], beat: Callable[[], None] = lambda: None
) -> tuple[Watch, Sequence[bytes]]:
    """Build one watch on many trees, given by their real paths; return it and what it covers.

    It leaves out each tree that cannot be watched, or not with all directories, and each with a
    link out of it: the directories of another tree could be reported under that link's path.
    `beat` is called for each tree. Raises WatchLimitReached, where the trees are watched in their
    order, or WatchEnded.
    """
    if len(roots) > 1:
        roots = [root for root in roots if not _has_link_out(root, beat)]
    try:
        return Watch(b"/", _notify(roots)), roots
    except WatchEnded:
        sound = [root for root in roots if _is_sound(root)]
        return Watch(b"/", _notify(sound)), sound


def _has_link_out(root: bytes, beat: Callable[[], None]) -> bool:
    """Return whether a link in the tree leads to a directory outside: watchfiles follows it."""
    beat()
    waiting = [root]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_symlink() and entry.is_dir():
                    target = os.path.realpath(entry.path)
                    if not is_inside(target, root):
                        return True
    return False


def _is_sound(root: bytes) -> bool:
    """Return whether a watch on this tree alone can be built."""
    try:
        _notify([root]).close()
    except (WatchEnded, WatchLimitReached):
        return False
    return True


def relative_to(root: bytes, paths: Iterable[bytes]) -> list[bytes]:
    """Return paths inside the root relative to it."""
    home = root.rstrip(b"/") + b"/"
    return [(path + b"/").removeprefix(home).rstrip(b"/") for path in paths]


def is_inside(path: bytes, root: bytes) -> bool:
    """Return whether a path is the root or below it."""
    return (path + b"/").startswith(root.rstrip(b"/") + b"/")


def check_limit(root: bytes) -> None:
    """Raise WatchLimitReached if the system would not grant another watch.

    Raises WatchEnded if the root cannot be watched.
    """
    _notify([root], recursive=False).close()


def _build_around_unreadable(root: bytes) -> Watch:
    with _translated():
        unreadable = _unreadable_directories(root)
        paths = _paths_around(root, unreadable)
    watch = Watch(root, _notify(paths, ignore_permission_denied=True), unreadable)
    try:
        check_limit(root)  # which was ignored, too
    except BaseException:
        watch.close()
        raise
    return watch


def _notify(
    paths: Iterable[bytes], *, recursive: bool = True, ignore_permission_denied: bool = False
) -> RustNotify:
    with _translated():
        return RustNotify(
            watch_paths=[os.fsdecode(path) for path in paths],
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=recursive,
            ignore_permission_denied=ignore_permission_denied,
        )


def _unreadable_directories(root: bytes) -> frozenset[bytes]:
    """Return the directories below the root that cannot be read, and the links to directories.

    watchfiles follows such links, and may be stopped behind them.
    """
    unreadable: set[bytes] = set()
    for path, directories, _ in os.walk(root):
        for name in directories:
            below = os.path.join(path, name)
            if os.path.islink(below) or not _is_readable(below):
                unreadable.add(below)
    return frozenset(unreadable)


def _paths_around(root: bytes, unreadable: frozenset[bytes]) -> tuple[bytes, ...]:
    """Return directories whose trees together hold all that is readable, the root first.

    watchfiles gives up a tree at its first unreadable directory. So each directory above an
    unreadable one is named, and so are its other sub-directories.
    """
    split = {root}
    for path in unreadable:
        while (path := os.path.dirname(path)) not in split:
            split.add(path)
    paths: list[bytes] = []
    for directory in sorted(split):
        paths.append(directory)
        with os.scandir(directory) as entries:
            paths += [
                e.path
                for e in entries
                if e.path not in unreadable
                and e.path not in split
                and e.is_dir(follow_symlinks=False)
            ]
    return tuple(paths)


def _is_readable(path: bytes) -> bool:
    return os.access(path, os.R_OK | os.X_OK, effective_ids=True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise WatchEnded(
            "its path, or a path in it, is not UTF-8, which watchfiles cannot watch"
        ) from error
    except PermissionError as error:
        raise WatchDenied("permission denied") from error
    except FileNotFoundError as error:
        raise WatchEnded("a directory was deleted while the watch was built") from error
    except OSError as error:
        if "MaxFilesWatch" in str(error):
            advice = _advice("max_user_watches")
            raise WatchLimitReached(advice, _path_in(str(error))) from error
        raise WatchEnded(sentence(error)) from error
    except WatchfilesRustInternalError as error:
        if "os error 24" in str(error):  # EMFILE
            raise WatchLimitReached(_advice("max_user_instances")) from error
        if "Unable to decode path" in str(error):
            raise WatchEnded(
                "a name in it that is not UTF-8 ends every watch that meets it",
                _path_in(str(error)),
            ) from error
        raise WatchEnded(str(error)) from error


def _path_in(message: str) -> bytes:
    """Return the path that a message contains in the notation of Rust; empty without one."""
    found = re.search(r'"((?:[^"\\]|\\.)*)"', message)
    return _ESCAPED.sub(_unescaped, found[1].encode()) if found else b""


def _unescaped(found: re.Match[bytes]) -> bytes:
    byte, character, other = found.groups()
    if byte:
        return bytes([int(byte, 16)])
    if character:
        return chr(int(character, 16)).encode()
    return _LETTERS.get(other, other)


_ESCAPED = re.compile(rb"\\(?:x([0-9A-F]{2})|u\{([0-9a-f]+)\}|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}


def _advice(limit: str) -> str:
    try:
        with open(f"/proc/sys/fs/inotify/{limit}", encoding="ascii") as file:
            allowed = int(file.read())
    except (OSError, ValueError):
        allowed = 0
    return (
        f"the limit of the system is reached: sysctl fs.inotify.{limit}={max(allowed, 512) * 2}, "
        "and the same line in /etc/sysctl.d/60-syncd.conf to keep it"
    )
