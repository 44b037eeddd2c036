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
    # WinSCP, Synology's side files
    b".filepart",
    b"@synoresource",
    b"@synoeastream",
)


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
    return _JUNK_START.match(name) is not None or has_junk_ending(name)


def has_junk_ending(name: bytes) -> bool:
    """Return whether the name ends like that of a temporary or side file."""
    name = name.lower()
    return name.endswith(ENDINGS) or b".sb-" in name  # macOS, saving: NAME.jpg.sb-1a2b3c4d-XXXXXX
