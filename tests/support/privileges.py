"""Command prefixes that take privileges or resources away from a process."""

import os
import shutil
import subprocess

import pytest


def without_privileges() -> tuple[str, ...]:
    """Return the prefix under which permissions apply to root too; empty for other users."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED: permissions do not apply to root, and setpriv(1) is not installed")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def without_watches() -> tuple[str, ...]:
    """Return the prefix under which the system grants no inotify instance."""
    namespace = ("unshare", "--user", "--map-root-user")
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("NOT TESTED: this system does not allow user namespaces")
    limit = 'echo 0 >/proc/sys/user/max_inotify_instances; exec "$@"'
    return (*namespace, "sh", "-c", limit, "sh")
