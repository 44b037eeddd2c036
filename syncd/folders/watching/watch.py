"""One watch on a directory tree, from its building to its end; the only module knowing watchfiles.

What watchfiles does not tell by itself is found out here: an unreadable directory stops it in the
middle of the tree, and where it is to pass over that, it passes over a limit of the system too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from syncd.folders.safe_open import sentence
from syncd.folders.watching.around import paths_around, unreadable_directories

DELETED = 3  # watchfiles.Change
DEBOUNCE_MS, STEP_MS = 200, 10  # a new file is told after some 30 ms, for 1 % of idle CPU

Changes = frozenset[tuple[int, str]]
NOTHING: Changes = frozenset()


class WatchLimitReached(Exception):
    """The system grants no more watches; the argument says what to do."""


class WatchEnded(Exception):
    """The watch is no good (any more); the argument says why."""


class WatchDenied(WatchEnded):
    """The watch came to a directory that it may not read."""


class Watch:
    """A watch that stands on the tree at `root`, a real path."""

    def __init__(self, root: bytes, notify: RustNotify, closed: Iterable[bytes] = ()) -> None:
        self.root = root
        self._notify = notify
        self._closed = frozenset(closed)

    def changes(self, quiet: float, stop: threading.Event) -> Changes:
        """Return what comes next; nothing after so many quiet seconds, or when asked to stop.

        Raises Ended.
        """
        with _translated():
            answer = self._notify.watch(DEBOUNCE_MS, STEP_MS, int(quiet * 1000), stop)
        return NOTHING if isinstance(answer, str) else frozenset(answer)

    def paths(self, changes: Changes) -> list[bytes]:
        """Return where something happened, relative to the root."""
        home = self.root.rstrip(b"/") + b"/"
        found = (os.fsencode(path) for _, path in changes)
        return [(path + b"/").removeprefix(home).rstrip(b"/") for path in found]

    def is_ended_by(self, changes: Changes) -> bool:
        """Whether the root itself went, or a directory changed that could not be watched."""
        if (DELETED, os.fsdecode(self.root)) in changes:
            return True
        return bool(self._closed) and any(os.fsencode(p) in self._closed for _, p in changes)

    def close(self) -> None:
        """Give the watches back."""
        self._notify.close()


def build(root: bytes) -> Watch:
    """Build a watch on the tree at a real path; the GIL is held meanwhile, 16 us per directory.

    Raises Limited or Ended.
    """
    try:
        return Watch(root, _notify([root]))
    except WatchDenied:
        return _build_around_closed(root)


def ask_for_one_more(root: bytes) -> None:
    """Raise Limited when the system would not grant another watch, Ended for a root that is bad."""
    with _translated():
        RustNotify([os.fsdecode(root)], False, False, 0, False, False).close()


def _build_around_closed(root: bytes) -> Watch:
    with _translated():
        closed = unreadable_directories(root)
        paths = paths_around(root, closed)
    watch = Watch(root, _notify_past_errors(paths), closed)
    try:
        ask_for_one_more(root)  # a limit was passed over like any error
    except BaseException:
        watch.close()
        raise
    return watch


def _notify(paths: Iterable[bytes]) -> RustNotify:
    with _translated():
        return RustNotify([os.fsdecode(path) for path in paths], False, False, 0, True, False)


def _notify_past_errors(paths: Iterable[bytes]) -> RustNotify:
    with _translated():
        return RustNotify([os.fsdecode(path) for path in paths], False, False, 0, True, True)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise WatchEnded(
            "its path, or a path in it, is not UTF-8, and watchfiles takes none"
        ) from error
    except PermissionError as error:
        raise WatchDenied("permission denied") from error
    except FileNotFoundError as error:
        raise WatchEnded("a directory went while the watch was built") from error
    except OSError as error:
        if "MaxFilesWatch" in str(error):
            raise WatchLimitReached(_advice("max_user_watches")) from error
        raise WatchEnded(sentence(error)) from error
    except WatchfilesRustInternalError as error:
        if "os error 24" in str(error):  # EMFILE
            raise WatchLimitReached(_advice("max_user_instances")) from error
        if "Unable to decode path" in str(error):
            raise WatchEnded(
                "a name in it that is not UTF-8 ends every watch that meets it"
            ) from error
        raise WatchEnded(str(error)) from error


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
