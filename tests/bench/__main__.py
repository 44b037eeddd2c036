"""`python tests/bench [ROW …] [--json FILE] [--quick] [--cache DIR]`: the benchmark of syncd."""

import sys
from pathlib import Path

HERE = Path(__file__).absolute().parents
sys.path[:1] = map(str, (HERE[1], HERE[2]))  # bench is a package in tests/

from bench.command import main  # noqa: E402  it needs the line above

if __name__ == "__main__":
    main()
