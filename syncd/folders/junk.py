"""Names that no person gave to an image: droppings of editors, browsers, NAS boxes and systems."""

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
        # vim, asking whether it may write here
        b"4913",
    }
)

BEGINNINGS = (
    b".",  # hidden: also .DS_Store, ._*, .nfs*, .fuse_hidden*, .syncthing.*, .~lock.*, .Trash-1000
    b"~$",  # Microsoft Office
    b"~syncthing~",
)

ENDS = (
    # editors and programs that write beside and rename
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


_ODD_START = re.compile(
    b"|".join(
        [
            *map(re.escape, BEGINNINGS),
            *(re.escape(name) + rb"\Z" for name in sorted(NAMES)),
            rb"#.*#\Z",  # Emacs, saving by itself
        ]
    ),
    re.IGNORECASE | re.DOTALL,
)


def is_dropping(name: bytes) -> bool:
    """Return whether a file or directory of this name is hidden or a dropping; case is nothing."""
    return _ODD_START.match(name) is not None or has_odd_end(name)


def has_odd_end(name: bytes) -> bool:
    """Return whether the end tells."""
    name = name.lower()
    return name.endswith(ENDS) or b".sb-" in name  # macOS, saving: NAME.jpg.sb-1a2b3c4d-XXXXXX
