"""What a command says on stderr before there is a log, or without one."""

from __future__ import annotations

import os
import sys

from syncd.logs.journal import is_journal, prefixed
from syncd.logs.secrets import without_secrets


def tell(text: str, level: str = "error") -> None:
    """Write a text's lines without any secret; in the journal each has the level's priority."""
    lines = without_secrets(text).split("\n")
    if is_journal(sys.stderr, os.environ):
        lines = [prefixed(level, line) for line in lines if line]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
