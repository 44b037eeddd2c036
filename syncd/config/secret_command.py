"""The output of a program that prints a secret."""

import threading
from collections.abc import Mapping, Sequence

from syncd.config.errors import quoted
from syncd.config.program import run_program
from syncd.config.secret_errors import SecretError

TIME_LIMIT = 10.0
"""Seconds that the program may run: longer than a password store needs."""


def output_of(
    words: Sequence[str],
    environ: Mapping[str, str],
    time_limit: float = TIME_LIMIT,
    stop: threading.Event | None = None,
) -> str:
    """Run a program without a shell and without input, and return its output.

    It is killed after `time_limit` seconds or once `stop` is set, with the programs that it has
    started. Raises SecretError, which contains nothing of the output, and StoppedError.
    """
    name = quoted(words[0])
    try:
        ended = run_program(words, environ, time_limit, stop=stop)
    except TimeoutError:  # an OSError, too
        raise SecretError(
            f"the command {name} did not end within {time_limit:g} s: it must not ask for a"
            " password"
        ) from None
    except OSError as error:
        raise SecretError(
            f"the command {name} cannot be started ({error.strerror}): install it where syncd's"
            " user can run it, or write its whole path"
        ) from None
    except OverflowError:
        raise SecretError("the output of a command is too long to be a token") from None
    if ended.code != 0:
        raise SecretError(
            f"the command {name} ended with {ended.ending}: run it as syncd's user, which shows"
            " the reason"
        )
    return ended.output.decode("utf-8", "replace")
