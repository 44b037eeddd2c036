"""What to do about a file or an address of [metrics] that cannot be used."""

import errno
import os

import pytest

from syncd.monitoring.availability import remedy


@pytest.mark.parametrize(
    ("number", "is_path", "todo"),
    [
        (errno.ENOENT, True, "create its directory, or write another path for metrics.listen"),
        (errno.EACCES, True, "make the directory writable for syncd"),
        (errno.EROFS, True, "make the directory writable for syncd"),
        (errno.ENOSPC, True, "make room on its disk"),
        (errno.EADDRINUSE, True, "end the program that uses it, or write another path"),
        (errno.EEXIST, True, "remove what is at this path"),
        (errno.EADDRINUSE, False, "end the program that uses it, or write another address for"),
        (errno.EADDRNOTAVAIL, False, "give this machine the IP address"),
        (errno.EACCES, False, "write a port above 1023"),
        (errno.EIO, True, "remove the cause that `why` names, or write another path"),
    ],
)
def test_a_remedy_is_for_the_error(number: int, is_path: bool, todo: str) -> None:
    found = remedy(OSError(number, os.strerror(number)), "metrics.listen", is_path=is_path)
    assert found.startswith(todo)
    assert found.endswith("for metrics.listen and reload syncd; syncd tries again by itself")
