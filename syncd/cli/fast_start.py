"""Faster imports: most commands spend more CPU time on starting than on their work."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fast_imports() -> Iterator[None]:
    """Disable garbage collection during the imports, and exclude the imported objects from it.

    Modules are never garbage, but the collector would examine all their objects repeatedly.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def import_structlog_without_rich() -> None:
    """Import structlog without rich, which it imports if it can; syncd's log does not use it.

    None in sys.modules makes a module unavailable (docs.python.org, The import system, "The module
    cache").
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # as documented
    try:
        import structlog  # noqa: F401, PLC0415  for later imports
    finally:
        del sys.modules["rich"]
