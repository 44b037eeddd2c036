"""Writing of files: each appears with its whole content and its mode, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist; raises FileExistsError, and then changes nothing."""
    with _written(path, content, mode) as temporary:
        os.link(temporary, path)  # unlike a rename, it replaces nothing


def replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file, in place of an earlier one."""
    with _written(path, content, mode) as temporary:
        os.rename(temporary, path)


@contextmanager
def _written(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    except OSError as error:  # an error of a write names no file
        error.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # the first error is the reason
            temporary.unlink(missing_ok=True)
