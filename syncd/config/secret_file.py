"""Replacing the file of a secret."""

import os
import stat
import tempfile

from syncd.config.secrets import Secret

_PERMITTED = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP
"""What the owner and, where the old file permits it, the group of a secret may do."""


def replace_secret(path: str, secret: Secret) -> None:
    """Write a secret to a file that is replaced as a whole; raise OSError.

    The new file has the owner, the group and at most the permissions of the old one, or 0600.
    """
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    descriptor, temporary = tempfile.mkstemp(prefix=".syncd-token-", dir=directory)  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret.reveal()}\n")
            file.flush()
            _keep_owner(file.fileno(), target)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    entry = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _keep_owner(descriptor: int, old: str) -> None:
    try:
        known = os.stat(old)
    except FileNotFoundError:
        return
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (known.st_uid, known.st_gid):
        os.fchown(descriptor, known.st_uid, known.st_gid)
    os.fchmod(descriptor, (stat.S_IMODE(known.st_mode) & _PERMITTED) | stat.S_IRUSR | stat.S_IWUSR)
