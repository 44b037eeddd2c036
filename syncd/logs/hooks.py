"""Hooks that send the messages of libraries and uncaught exceptions to the log."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from syncd.log import Log, unexpected

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

T = TypeVar("T")

log: Log = structlog.get_logger()


class LibraryHandler(logging.Handler):
    """A handler of the standard `logging` that turns each record into `library.message`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a wrong format string in a library must not raise here
            message = str(record.msg)
        structlog.get_logger().log(
            # A library's own level counts as the standard level below it.
            min(record.levelno // 10 * 10, logging.CRITICAL),
            "library.message",
            logger=record.name,
            message=message,
            exc_info=record.exc_info,
        )


def capture_libraries() -> None:
    """Log the warnings and errors of every library; a second call changes nothing."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, LibraryHandler):
            root.removeHandler(handler)
    root.addHandler(LibraryHandler(logging.WARNING))
    logging.captureWarnings(True)


@contextmanager
def capture_uncaught() -> Iterator[None]:
    """Log the uncaught exceptions of threads and destructors, which Python prints by default."""
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _log_from_thread, _log_unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like asyncio.run, and log uncaught exceptions of callbacks and tasks."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(_log_from_loop)
        return runner.run(main)


def _log_from_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:  # ends the thread silently, as in Python's own hook
        return
    name = "a thread" if args.thread is None else f"thread {args.thread.name}"
    _log_uncaught(name, args.exc_value)


def _log_unraisable(args: UnraisableHookArgs) -> None:
    where = f"{args.err_msg or 'exception ignored in'}: {type(args.object).__name__}"
    _log_uncaught(where, args.exc_value)


def _log_from_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is None:  # a warning, such as about an unclosed transport
        loop.default_exception_handler(context)
        return
    _log_uncaught(str(context.get("message")), error)


def _log_uncaught(where: str, error: BaseException | None) -> None:
    log.critical(
        "error.uncaught",
        where=where,
        why=unexpected(error),
        exc_info=error,
        remedy="report it with this record; restart syncd if a part of it no longer works",
    )
