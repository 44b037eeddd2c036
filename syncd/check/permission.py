"""The kernel's verdict on what another user is permitted, for each file on its own.

access(2) decides for the real user of a process. A child process with the real ids of that user and
root's effective ids reaches every file, and gets the verdict on each one whatever the directories
above it permit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence

import msgspec

from syncd.check.user import User, in_child

Includes = Callable[[bytes, bool], bool]
"""Whether syncd reads this path, relative to its folder; the second argument: a directory."""

MAX_GROUPS = 100  # of denied files; each is tried in a process of its own


class DeniedTree(msgspec.Struct, frozen=True, kw_only=True):
    """The denials of a user in a folder: of the folder itself, and of files and directories.

    `groups` are the groups of these. `complete` is false when a part could not be listed.
    """

    top: bool
    own: int
    """Denied although the user owns them."""
    others: int
    groups: frozenset[int]
    complete: bool = True

    @property
    def is_empty(self) -> bool:
        return self.complete and not self.own and not self.others


UNSEEN = DeniedTree(top=True, own=0, others=1, groups=frozenset(), complete=False)
"""Assumed for a folder that not even root can access."""


def closed_to(user: User, directories: Sequence[bytes]) -> list[bytes]:
    """Return which of the directories the user cannot enter."""
    return in_child(
        _adopt_real_ids(user),
        lambda: [path for path in directories if not _permits(path, os.X_OK)],
        list[bytes],
    )


def denied_below(user: User, top: bytes, includes: Includes) -> DeniedTree:
    """Return what the user cannot read of a directory and everything in it that syncd reads."""
    return in_child(_adopt_real_ids(user), lambda: _walk(user, top, includes), DeniedTree)


def _walk(user: User, top: bytes, includes: Includes) -> DeniedTree:
    own = others = 0
    groups: set[int] = set()
    complete = True
    remaining, top_denied = [b""], not _permits(top, os.R_OK | os.X_OK)
    for path, found in _entries(top, remaining, includes):
        if found is None:
            complete = False
            continue
        directory = stat.S_ISDIR(found.st_mode)
        wanted = os.R_OK | os.X_OK if directory else os.R_OK
        if not _permits(os.path.join(top, path), wanted):
            if found.st_uid == user.uid:
                own += 1
            else:
                others += 1
            if len(groups) < MAX_GROUPS:
                groups.add(found.st_gid)
    return DeniedTree(
        top=top_denied, own=own, others=others, groups=frozenset(groups), complete=complete
    )


def _entries(
    top: bytes, remaining: list[bytes], includes: Includes
) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Return the folder and all in it, without following links; None for what cannot be listed."""
    try:
        yield b"", os.lstat(top)
    except OSError:
        yield b"", None
        return
    while remaining:
        directory = remaining.pop()
        try:
            with os.scandir(os.path.join(top, directory)) as entries:
                for entry in entries:
                    path = os.path.join(directory, os.fsencode(entry.name))
                    found = entry.stat(follow_symlinks=False)
                    is_directory = stat.S_ISDIR(found.st_mode)
                    regular = is_directory or stat.S_ISREG(found.st_mode)
                    if not regular or not includes(path, is_directory):
                        continue
                    yield path, found
                    if is_directory:
                        remaining.append(path)
        except OSError:
            yield directory, None


def _permits(path: bytes, wanted: int) -> bool:
    """Return whether the real user of this process has access to the file itself."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return os.access(f"/proc/self/fd/{descriptor}", wanted)
    finally:
        os.close(descriptor)


def _adopt_real_ids(user: User) -> Callable[[], None]:
    def adopt() -> None:
        if user.uid == os.getuid():
            return
        os.setgroups(sorted(user.gids))
        os.setresgid(user.gid, -1, -1)
        os.setresuid(user.uid, -1, -1)

    return adopt
