"""The condition of files that were not read because they are not finished."""

from __future__ import annotations

from syncd.images.unfinished import Unfinished

UNFINISHED = "({})".format(", ".join(f"'{code}'" for code in Unfinished))
"""The errors of these files, for `IN`."""
