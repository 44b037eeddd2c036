"""What is put before a command so that permissions, or limits, hold for it."""

import os
import shutil
import subprocess

import pytest


def without_powers() -> tuple[str, ...]:
    """Return what takes from root that no permission is denied to it; nobody else needs that."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED: nothing is denied to root, and there is no setpriv(1)")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def without_watches() -> tuple[str, ...]:
    """Return what runs a command where the system grants no inotify instance."""
    own = ("unshare", "--user", "--map-root-user")
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("NOT TESTED: this system gives no user namespaces")
    return (*own, "sh", "-c", 'echo 0 >/proc/sys/user/max_inotify_instances; exec "$@"', "sh")
