"""Writes a burst of tiny pictures: FOLDER COUNT FIRST; prints when the last was closed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.pictures import plant


def main() -> None:
    plant(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(time.monotonic())


if __name__ == "__main__":
    main()
