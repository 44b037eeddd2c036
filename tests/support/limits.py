"""Processes with inotify limits of their own, which they can set."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import asyncio, os
from support.watches import all_watched, instances, put, until
from syncd.folders.watching.targets import EVERYWHERE
from syncd.folders.watching.timing import Timing
from syncd.folders.watching.watch_state import Active, LimitReached

def limit(name, value):
    with open("/proc/sys/user/max_inotify_" + name, "w") as file:
        file.write(str(value))
"""


def run_limited(place: Path, script: str) -> None:
    """Run the coroutine `main` of a script in a user namespace; skip where that is impossible."""
    own = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("this system gives no user namespaces")
    here = Path(__file__).parents[1]
    done = subprocess.run(
        [*own, sys.executable, "-c", f"{PREAMBLE}{script}\nasyncio.run(main())\n"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": f"{here}:{here.parent}"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
