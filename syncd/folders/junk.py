"""Names of junk: files of editors, browsers, NAS systems and operating systems, not of users."""

from __future__ import annotations

import re

NAMES = frozenset(
    {
        # Windows, macOS, Linux
        b"thumbs.db",
        b"ehthumbs.db",
        b"ehthumbs_vista.db",
        b"desktop.ini",
        b"picasa.ini",
        b"icon\r",
        b"$recycle.bin",
        b"recycler",
        b"system volume information",
        b"network trash folder",
        b"temporary items",
        b"thevolumesettingsfolder",
        b"__macosx",
        b"lost+found",
        # Synology, QNAP, NetApp
        b"@eadir",
        b"@tmp",
        b"@sharebin",
        b"#recycle",
        b"#synorecycle",
        b"@synologydrive",
        b"#snapshot",
        b"@recycle",
        b"@recently-snapshot",
        b"~snapshot",
        # vim, testing whether it can write here
        b"4913",
    }
)

PREFIXES = (
    b".",  # hidden: also .DS_Store, ._*, .nfs*, .fuse_hidden*, .syncthing.*, .~lock.*, .Trash-1000
    b"~$",  # Microsoft Office
    b"~syncthing~",
    b":2e",  # Netatalk, in place of the dot of a hidden name
)

ENDINGS = (
    # editors and programs that write a new file and rename it
    b"~",
    b".tmp",
    b".temp",
    b".swp",
    b".swo",
    b".swx",
    b"_exiftool_tmp",
    # browsers and download managers
    b".part",
    b".partial",
    b".crdownload",
    b".opdownload",
    b".download",
    b".aria2",
    b".!ut",
    b".!qb",
    b".bc!",
    # packages of Lightroom, Photos and Aperture: thousands of previews
    b".lrdata",
    b".lrcat-data",
    b".photoslibrary",
    b".photolibrary",
    b".aplibrary",
    # WinSCP, Synology's side files
    b".filepart",
    b"@synoresource",
    b"@synoeastream",
)

BEFORE_EXTENSION = (
    # unfinished files to which a program has given their final extension
    b".part",
    b".partial",
    b".tmp",
    b".temp",
    b".crdownload",
    b".filepart",
    b".conflict",  # Resilio Sync
)
"""Ends of a name without its last extension, as of `photo.part.jpg`."""

INSIDE = (
    b".sync-conflict-",  # Syncthing: NAME.sync-conflict-20260131-120000-ABCDEFG.jpg
    b" conflicted copy",  # Dropbox: NAME (USER's conflicted copy 2026-01-31).jpg
    b"(conflicted copy",  # Nextcloud, ownCloud: NAME (conflicted copy 2026-01-31 120000).jpg
    b"_conflict-",  # ownCloud before 2.5: NAME_conflict-20260131-120000.jpg
)
"""Parts of the names of copies that sync programs make of a file that was changed twice."""

_JUNK_START = re.compile(
    b"|".join(
        [
            *map(re.escape, PREFIXES),
            *(re.escape(name) + rb"\Z" for name in sorted(NAMES)),
            rb"#.*#\Z",  # Emacs, saving automatically
        ]
    ),
    re.IGNORECASE | re.DOTALL,
)


def is_junk(name: bytes) -> bool:
    """Return whether a file or directory of this name is hidden or junk; case does not matter."""
    return _JUNK_START.match(name) is not None or has_junk_ending(name) or has_junk_inside(name)


def has_junk_ending(name: bytes) -> bool:
    """Return whether the name ends like that of a temporary or side file."""
    name = name.lower()
    return name.endswith(ENDINGS) or b".sb-" in name  # macOS, saving: NAME.jpg.sb-1a2b3c4d-XXXXXX


def has_junk_inside(name: bytes) -> bool:
    """Return whether the name is that of an unfinished file or of a sync program's copy."""
    name = name.lower()
    return name.rpartition(b".")[0].endswith(BEFORE_EXTENSION) or any(
        part in name for part in INSIDE
    )


def may_have_junk_inside(names: bytes) -> bool:
    """Return False if no name of many, joined by any byte, `has_junk_inside`: a fast check."""
    names = names.lower()
    return any(part in names for part in (*INSIDE, *(end + b"." for end in BEFORE_EXTENSION)))
