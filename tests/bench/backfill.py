"""Time of `syncd backfill` for 2,000 images of about 100 KB, with the sandbox, whole processes.

Usage: `python tests/bench/backfill.py [IMAGES]`. It prints a table and needs no network.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

IMAGES = 2000
SIZE = (400, 270)  # noise of this size is a JPEG of about 100 KB


@dataclass
class Run:
    """One run of the command: wall time and CPU time in seconds, peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def fill(folder: Path, images: int) -> int:
    """Write `images` different images, 100 per directory; return their size in bytes."""
    total = 0
    for i in range(images):
        path = folder / f"{i // 100:03}" / f"{i:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", SIZE, os.urandom(SIZE[0] * SIZE[1] * 3)).save(path, quality=90)
        total += path.stat().st_size
    return total


def run(config: Path) -> Run:
    """Run one backfill in a child process."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "syncd", "backfill", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"syncd backfill exited with {process.returncode}")
    wall = time.perf_counter() - began
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def calls(url: str) -> int:
    """Return the number of calls that the sandbox has received."""
    with urllib.request.urlopen(f"{url}/sandbox.json") as response:
        return sum(account["calls_in_all"] for account in json.load(response)["accounts"])


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        path = Path(name)
        size = fill(path / "folder", images)
        command = [sys.executable, "-m", "syncd", "sandbox", "--port", "0", "--json"]
        sandbox = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert sandbox.stdout is not None
            ready = json.loads(sandbox.stdout.readline())
            os.environ["SYNCD_BENCH_TOKEN"] = ready["token"]
            config = path / "config.toml"
            config.write_text(
                f'[graph]\nversion = "v25.0"\nbase_url = "{ready["url"]}"\n'
                'token = { env = "SYNCD_BENCH_TOKEN" }\n'
                f'[ledger]\npath = "{path}/ledger.db"\n[accounts.main]\nid = "act_1"\n'
                f'[folders.bench]\npath = "{path}/folder"\naccount = "main"\n'
            )
            first = run(config)
            sent = calls(ready["url"])
            second = run(config)
            again = calls(ready["url"]) - sent
        finally:
            sandbox.terminate()
            sandbox.wait()
    print(f"{images:,} images, {size / images / 1000:.0f} KB each, on {os.cpu_count()} cores")
    print("| measure | backfill | second run, nothing changed |")
    print("|---|---|---|")
    print(f"| seconds, start to exit | {first.wall:.1f} | {second.wall:.1f} |")
    print(f"| images per second | {images / first.wall:.0f} | |")
    print(f"| CPU seconds | {first.cpu:.1f} | {second.cpu:.1f} |")
    print(f"| calls | {sent} | {again} |")
    print(f"| calls per image | {sent / images:.3f} | {again / images:.3f} |")
    print(f"| peak memory, MB | {first.memory:.0f} | {second.memory:.0f} |")


if __name__ == "__main__":
    main()
