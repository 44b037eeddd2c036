"""A mount namespace for one test: its mounts are invisible outside, and end with it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Mounts:
    """Mounts as the processes inside see them, held by a process that only waits."""

    def __init__(self, holder: int) -> None:
        self._holder = holder
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        self.under = ("nsenter", "--target", str(holder), "--mount", *user, "--")
        """The words before a command that runs it inside."""

    def inside(self, path: Path) -> Path:
        """Return the path by which this process reaches a path inside."""
        return Path(f"/proc/{self._holder}/root{path}")

    def mount(self, *words: str | Path) -> None:
        self.run("mount", *words)

    def unmount(self, path: Path) -> None:
        """Remove a mount at once, as if its disk or server had failed."""
        self.run("umount", "--lazy", path)

    def run(self, *words: str | Path) -> None:
        """Run a command inside, and wait until it has ended."""
        subprocess.run([*self.under, *words], check=True, capture_output=True)


@contextmanager
def own_mounts(path: Path) -> Iterator[Mounts]:
    """Open a namespace; skip the test where mounting is not possible.

    `path` is an empty directory to try it with.
    """
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    held = 'mount -t tmpfs none "$0" && umount "$0" && echo open && cat'
    words = ("unshare", "--mount", "--propagation", "private", *user, "sh", "-c", held, path)
    try:
        holder = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        pytest.skip("NOT TESTED: unshare(1) is not installed")
    with holder:  # closing its input ends `cat`
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != b"open\n":
            why = holder.stderr.read().decode().strip()
            pytest.skip(f"NOT TESTED: mounting is not possible on this machine: {why}")
        yield Mounts(holder.pid)
