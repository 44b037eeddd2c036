"""A mount namespace of a test's own: what is mounted there is seen by nobody, and ends with it."""

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
        """What to put before a command so that it runs inside."""

    def inside(self, path: Path) -> Path:
        """Return the path by which this process reaches what stands there inside."""
        return Path(f"/proc/{self._holder}/root{path}")

    def mount(self, *words: str | Path) -> None:
        self._run("mount", *words)

    def unmount(self, path: Path) -> None:
        """Take a mount away at once, as it goes when its disk or its server does."""
        self._run("umount", "--lazy", path)

    def _run(self, *words: str | Path) -> None:
        subprocess.run([*self.under, *words], check=True, capture_output=True)


@contextmanager
def own_mounts(path: Path) -> Iterator[Mounts]:
    """Open a namespace; skips the test where this machine lets nobody mount. path is an empty
    directory to try it with."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    held = 'mount -t tmpfs none "$0" && umount "$0" && echo open && cat'
    words = ("unshare", "--mount", "--propagation", "private", *user, "sh", "-c", held, path)
    try:
        holder = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        pytest.skip("NOT TESTED: there is no unshare(1) to mount with")
    with holder:  # which ends it: `cat` has no more to read
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != b"open\n":
            why = holder.stderr.read().decode().strip()
            pytest.skip(f"NOT TESTED: this machine lets nobody mount: {why}")
        yield Mounts(holder.pid)
