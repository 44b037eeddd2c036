"""The standard streams and the encoding of names, set before a command runs."""

from __future__ import annotations

import codecs
import io
import locale
import os
import sys
from contextlib import suppress


def prepare_streams() -> None:
    """Let every command run and print, whatever the descriptors and the locale it was given.

    File names are bytes, which Python decodes in the encoding of the locale. With any but UTF-8,
    the folders in the configuration would not be those on disk: the process then starts again.
    """
    _reopen_closed()
    if sys.getfilesystemencoding() != "utf-8" and sys.executable:
        os.environ["PYTHONUTF8"] = "1"  # for the processes that syncd starts
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  itself
    encoding = _encoding_of_locale()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def flush_output() -> None:
    """Write what stdout has buffered, unless its reader has ended; raise any other OSError.

    Python would do so at exit, and print a traceback.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(null, sys.stdout.fileno())  # takes what is still in the buffer
        if not isinstance(error, BrokenPipeError):
            raise


def _reopen_closed() -> None:
    """Open the descriptors 0 to 2 on /dev/null if they are closed.

    Otherwise the next file or socket would have such a number, and get what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    # Python has None in place of a stream that was closed.
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _encoding_of_locale() -> str | None:
    """Return the terminal's encoding where Python prints UTF-8 although the locale has another."""
    if not sys.flags.utf8_mode or os.environ.get("PYTHONIOENCODING"):
        return None
    name = locale.getencoding()
    with suppress(LookupError):
        if codecs.lookup(name).name not in ("utf-8", "ascii"):
            return name
    return None
