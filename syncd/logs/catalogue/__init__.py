"""The catalogue of every event of the log.

The README's table is generated from it (`python -m syncd.man`), `syncd events` prints it, and the
tests compare it with every call of the log in the code.
"""

from __future__ import annotations

from syncd.logs.catalogue.accounts import ACCOUNTS
from syncd.logs.catalogue.event import Event, Level
from syncd.logs.catalogue.folders import FOLDERS
from syncd.logs.catalogue.images import IMAGES
from syncd.logs.catalogue.process import PROCESS

__all__ = ["CATALOGUE", "Event", "Level"]

CATALOGUE = tuple(sorted((*ACCOUNTS, *FOLDERS, *IMAGES, *PROCESS), key=lambda event: event.name))
