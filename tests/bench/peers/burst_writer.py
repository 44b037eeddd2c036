"""A process that writes a burst of tiny pictures and prints the time when the last was closed.

Usage: burst_writer FOLDER COUNT FIRST.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.pictures import write_tiny


def main() -> None:
    write_tiny(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(time.monotonic())


if __name__ == "__main__":
    main()
