"""What every row is given: sizes, a place to work in, a place that outlives the run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.sizes import Sizes


@dataclass
class Bench:
    """`scratch` is thrown away; `cache` keeps pictures and trees for the next run."""

    sizes: Sizes
    scratch: Path
    cache: Path
    kept: dict[str, object] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def place(self, name: str) -> Path:
        """Return a new directory."""
        path = self.scratch / f"{name}-{next(self._numbers)}"
        path.mkdir()
        return path

    def tell(self, words: str) -> None:
        """Say on stderr what goes on."""
        sys.stderr.write(f"{words}\n")
        sys.stderr.flush()
