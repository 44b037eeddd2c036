"""`python tests/bench [ROW …] [--json FILE] [--quick] [--cache DIR]`: how fast syncd is."""

import sys
from pathlib import Path

HERE = Path(__file__).absolute().parents
sys.path[:1] = map(str, (HERE[1], HERE[2]))  # the bench is a package of tests/

from bench.command import main  # noqa: E402  it is found by the line above

if __name__ == "__main__":
    main()
