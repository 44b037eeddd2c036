"""The output of a program that prints a secret."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO

from syncd.config.errors import quoted
from syncd.config.secret_errors import SecretError

MAX_BYTES = 64 * 1024
"""More than any token has; a longer output, or a larger file, was named by mistake."""

TIME_LIMIT = 10.0
"""Seconds that the program may run: longer than a password store needs."""


def output_of(
    words: Sequence[str], environ: Mapping[str, str], time_limit: float = TIME_LIMIT
) -> str:
    """Run a program without a shell and without input, and return its output.

    It is killed after `time_limit` seconds, with the programs that it has started. Raises
    SecretError, which contains nothing of the output.
    """
    name, deadline = quoted(words[0]), time.monotonic() + time_limit
    try:
        process = subprocess.Popen(  # noqa: S603 - the configuration names the program
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise SecretError(
            f"the command {name} cannot be started ({error.strerror}): install it where syncd's"
            " user can run it, or write its whole path"
        ) from None
    with process:
        try:
            assert process.stdout is not None  # noqa: S101  for mypy
            content = _read(process.stdout, deadline)
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise SecretError(
                f"the command {name} did not end within {time_limit:g} s: it must not ask for a"
                " password"
            ) from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if code != 0:
        raise SecretError(
            f"the command {name} ended with {_ending(code)}: run it as syncd's user, which shows"
            " the reason"
        )
    return content.decode("utf-8", "replace")


def _read(pipe: IO[bytes], deadline: float) -> bytes:
    """Read until the end of the output; raise SecretError if it is too long, or TimeoutError."""
    content = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            piece = os.read(pipe.fileno(), MAX_BYTES)
            content += piece
            if not piece:
                return content
            if len(content) > MAX_BYTES:
                raise SecretError("the output of a command is too long to be a token")


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
