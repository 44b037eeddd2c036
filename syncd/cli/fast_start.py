"""How modules are loaded: in as little CPU as it takes, for a start costs more than most calls."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_once() -> Iterator[None]:
    """Import without collecting garbage meanwhile; what was imported is not looked through again.

    Modules are garbage never, and all that was ever made is looked through time and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def log_without_colours() -> None:
    """Import structlog without rich, which it loads where it finds it; our forms use none of it.

    None in sys.modules is how Python says that a module is not to be found (docs.python.org,
    The import system, "The module cache").
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # as documented
    try:
        import structlog  # noqa: F401, PLC0415  for the others that import it
    finally:
        del sys.modules["rich"]
