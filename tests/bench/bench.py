"""The context of one run of the benchmark, which every row receives."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.sizes import Sizes


@dataclass
class Bench:
    """The sizes of this run, its directories, and the results that several rows use.

    `scratch` is deleted afterwards; `cache` keeps pictures and trees for the next run.
    """

    sizes: Sizes
    scratch: Path
    cache: Path
    results: dict[str, object] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def new_directory(self, name: str) -> Path:
        """Create and return a scratch directory."""
        path = self.scratch / f"{name}-{next(self._numbers)}"
        path.mkdir()
        return path

    def log(self, message: str) -> None:
        """Write a message to stderr."""
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
