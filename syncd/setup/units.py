"""The units for systemd: where each file belongs, and whether units can run the program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

LIBRARY = Path("/usr/lib")
"""Files of programs; the operator's changes are drop-ins in /etc/systemd/system."""
RUNNABLE = ("/usr/", "/opt/")
"""The directories in which the units can run programs: their ExecPaths=."""
ENABLED = (
    "syncd.service",
    "syncd.target",
    "syncd@.service",
    "syncd-watch@.timer",
    "syncd-web.service",
    "syncd-web@.service",
)
"""The units with an [Install] section; a template stands for all its instances."""
RUNNING = (
    "syncd.service",
    "syncd.target",
    "syncd@*",
    "syncd-backfill.service",
    "syncd-backfill@*",
    "syncd-watch@*",
    "syncd-web.service",
    "syncd-web@*",
)

_SOURCE = Path(__file__).with_name("systemd")
_PROGRAM = b"/usr/local/bin/syncd"  # as the unit files name it
_SAFE = re.compile(r"[A-Za-z0-9/._+-]+")  # nothing that systemd would expand or split


def unit_files(program: str) -> Mapping[Path, bytes]:
    """Return the content of each file to install, by its path; the units start `program`."""
    found = {}
    for file in sorted(_SOURCE.rglob("*")):
        name = file.relative_to(_SOURCE)
        top = name.parts[0]
        is_unit = top.startswith("syncd")
        if file.is_file() and (is_unit or top in ("sysusers.d", "tmpfiles.d")):
            target = LIBRARY / ("systemd/system" if is_unit else "") / name
            found[target] = file.read_bytes().replace(_PROGRAM, program.encode())
    return found


def unfit(program: str, others: Iterable[str]) -> str | None:
    """Return why units cannot run a program, or None.

    `others` are the resolved paths that the program needs: its own, Python's and the package's.
    """
    if not _SAFE.fullmatch(program):
        return f"{program} contains a character that a unit cannot contain"
    for path in (program, *others):
        if not path.startswith(RUNNABLE):
            return f"{path} is outside /usr and /opt, where the units can run programs"
    return None
