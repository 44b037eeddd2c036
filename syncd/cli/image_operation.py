"""The frame of all commands of `syncd images`: the account, the operation, and its errors."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from syncd.cli.console import print_error, terminal_width
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.fast_start import fast_imports
from syncd.cli.image_rows import Format, Rows, rows
from syncd.cli.operator import operator_name
from syncd.cli.options import account_opener, load_config
from syncd.cli.parameters import account_names
from syncd.cli.selected import account_named
from syncd.ledger.file import reading
from syncd.model import AccountId, ImageHash
from syncd.operations.target import NoTokenError, Target, account_id, target

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.operations.result import Result
    from syncd.operations.session import Session

_HASH = re.compile(r"[0-9A-Za-z_-]{1,128}")

Account = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME|ID",
        help="An account of the configuration by its name, or any account by its id.",
        show_default=False,
        autocompletion=account_names,
    ),
]
Hashes = Annotated[
    list[str],
    typer.Argument(metavar="HASH…", help="The hashes of images in the account."),
]
Form = Annotated[
    Format,
    typer.Option(
        "--format",
        help="table: for people. json: one array, with one line per image. csv: for spreadsheets.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def checked_hashes(texts: Sequence[str]) -> list[ImageHash]:
    """Return the hashes without repetitions; raise BadParameter for what is not a hash."""
    for text in texts:
        if _HASH.fullmatch(text) is None:
            raise typer.BadParameter(
                f"{text!r} is not a hash: it has 1 to 128 letters, digits, _ and -"
            )
    return [ImageHash(text) for text in dict.fromkeys(texts)]


def run(
    config: Path, account: str, operate: Callable[[Session, Config], Awaitable[Exit]]
) -> typer.Exit:
    """Run an operation with an account; return how the command exits."""
    settings = load_config(config)
    chosen = chosen_target(settings, account)
    with ledger_required(), reading(settings.ledger.path):
        pass
    open_account = account_opener(settings)
    with fast_imports():
        from syncd.operations.session import open_session  # noqa: PLC0415  slow to import

    async def session() -> Exit:
        user = operator_name()
        async with open_session(settings, chosen, open_account, _notify, user) as opened:
            return await operate(opened, settings)

    with _reported_errors(), _ended_by_signals():
        return typer.Exit(asyncio.run(session()))


def chosen_target(config: Config, account: str) -> Target:
    """Return the account that an option names; end the process if it is unknown."""
    try:
        found = target(config, account)
    except NoTokenError as error:
        fail(str(error), Exit.USAGE)
    return found or Target(account_named(config, account), (), is_managed=True)


def chosen_id(config: Config, account: str) -> AccountId:
    """Return the id of an account that gets no call itself, and needs no token."""
    return account_id(config, account) or account_named(config, account).id


def _notify(text: str) -> None:
    print_error(f"syncd: {text}", "warning")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end an operation as Ctrl-C does: a call under way is completed."""

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    is_main = threading.current_thread() is threading.main_thread()  # as asyncio with SIGINT
    numbers = (signal.SIGTERM, signal.SIGHUP) if is_main else ()
    before = {one: signal.getsignal(one) for one in numbers}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reported_errors() -> Iterator[None]:
    from syncd.graph.client import GraphError  # noqa: PLC0415  slow to import
    from syncd.operations.calls import ClosedError, ends_all, sentence  # noqa: PLC0415  the same

    try:
        yield
    except ClosedError as error:
        fail(str(error), Exit.UNAVAILABLE)
    except GraphError as error:
        code = Exit.UNAVAILABLE if ends_all(error.api_error) else Exit.NOT_ALL
        fail(sentence(error.api_error), code)


@contextmanager
def output(form: Format, columns: Sequence[str]) -> Iterator[Rows]:
    """Yield a writer of rows; an error that ends the operation is the last row of JSON."""
    from syncd.graph.client import GraphError  # noqa: PLC0415  slow to import
    from syncd.operations.calls import ClosedError, sentence  # noqa: PLC0415  the same

    with rows(form, columns, terminal_width()) as written:
        try:
            yield written
        except (GraphError, ClosedError) as error:
            if form is Format.JSON:
                why = sentence(error.api_error) if isinstance(error, GraphError) else str(error)
                written.write({"why": why})
            raise


class Tally:
    """Writes results as rows and to stderr, and counts them."""

    def __init__(self, written: Rows, form: Format) -> None:
        self._written = written
        self._form = form
        self.done = 0
        self.failed = 0

    def add(self, result: Result) -> None:
        """Write one result: JSON has failures, too; they are one line on stderr in any case."""
        subject = result.file or result.hash
        if result.why is None:
            self.done += 1
        else:
            self.failed += 1
            print_error(f"syncd: {subject}: {result.why}")
        if result.why is None or self._form is Format.JSON:
            self._written.write(msgspec.structs.asdict(result))

    @property
    def exit(self) -> Exit:
        """The exit code of the command."""
        return exit_of(self.done, self.failed)


def exit_of(done: int, failed: int) -> Exit:
    """Return the exit code of an operation on several images."""
    if not failed:
        return Exit.DONE
    return Exit.PARTLY if done else Exit.NOT_ALL
