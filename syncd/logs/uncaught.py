"""What nobody caught, in a thread, a destructor or a callback of the loop: one record each."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from syncd.log import Log

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

T = TypeVar("T")

log: Log = structlog.get_logger()


@contextmanager
def uncaught_told() -> Iterator[None]:
    """Log inside the block what Python would print on stderr by itself."""
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _in_thread, _in_passing
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run as asyncio.run does, and log what a callback or a task raised that nobody waits for."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(_in_loop)
        return runner.run(main)


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:  # as Python has it: a thread's own way to end
        return
    name = "a thread" if args.thread is None else f"thread {args.thread.name}"
    _tell(name, args.exc_value)


def _in_passing(args: UnraisableHookArgs) -> None:
    _tell(f"{args.err_msg or 'exception ignored in'}: {type(args.object).__name__}", args.exc_value)


def _in_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if error is None:  # a library's warning, as of something that was left open
        loop.default_exception_handler(context)
        return
    _tell(str(context.get("message")), error)


def _tell(where: str, error: BaseException | None) -> None:
    log.critical(
        "error.uncaught",
        where=where,
        why=error,
        exc_info=error,
        remedy="report it with this record; restart syncd if something stands still since then",
    )
