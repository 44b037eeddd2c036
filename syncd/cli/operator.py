"""The user who runs a command."""

from __future__ import annotations

import os
import pwd


def operator_name() -> str:
    """Return the name of the user who runs the command, also behind sudo."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user without an entry, as in some containers
        return str(os.getuid())
