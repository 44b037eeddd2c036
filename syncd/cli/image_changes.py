"""`syncd images`: upload, copy, delete and download."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_error
from syncd.cli.errors import fail
from syncd.cli.image_operation import (
    Account,
    Hashes,
    Tally,
    checked_hashes,
    chosen_id,
    output,
    run,
)
from syncd.cli.image_rows import Format
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath, Json, account_names
from syncd.model import ImageHash
from syncd.operations.result import Result
from syncd.operations.way import Way
from syncd.rules.forecast import amount

if TYPE_CHECKING:
    from syncd.cli.errors import Exit
    from syncd.config import Config
    from syncd.operations.session import Session


_UPLOADED = ["hash", "state", "file"]
_CHANGED = ["hash", "state", "name"]


def upload(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE|ZIP…", help="Images, or ZIP files of images."),
    ],
    account: Account,
    way: Annotated[
        Way,
        typer.Option(
            "--as",
            help="files: several in one POST. bytes: each as the form field `bytes`. zip: several"
            " in one ZIP file per POST. A ZIP file is sent as it is.",
        ),
    ] = Way.FILES,
    json: Json = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Upload files, and print the hash of each.

    They are checked first, as the daemon checks files: what the API does not accept is not sent.
    Where a file in a folder wants the image, it counts as held, and the daemon does not send it
    again. Otherwise it is kept, and the daemon never deletes it. It exits with 3 if some files
    failed, and with 1 if all did.
    """
    form = Format.JSON if json else Format.TABLE

    async def operate(session: Session, _: Config) -> Exit:
        from syncd.operations.uploads import Uploads  # noqa: PLC0415  slow to import

        uploads = Uploads(session, way)
        await uploads.begin()
        with output(form, _UPLOADED) as rows:
            tally = Tally(rows, form)
            async for result in uploads.results(files):
                tally.add(result)
        return tally.exit

    raise run(config, account, operate)


def copy(
    hashes: Hashes,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NAME|ID",
            help="The account that has the images.",
            show_default=False,
            autocompletion=account_names,
        ),
    ],
    account: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NAME|ID",
            help="The account that gets them, by its name or its id.",
            show_default=False,
            autocompletion=account_names,
        ),
    ],
    json: Json = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Copy images from one account to another, with one call for each.

    The call is one of the destination, whose token must reach both accounts. An image that no file
    wants there is kept, as after `syncd images upload`. The exit codes are those of `upload`.
    """
    form = Format.JSON if json else Format.TABLE
    wanted = checked_hashes(hashes)

    async def operate(session: Session, settings: Config) -> Exit:
        from syncd.operations.copies import copied  # noqa: PLC0415  slow to import

        origin = chosen_id(settings, source)
        with output(form, _CHANGED) as rows:
            tally = Tally(rows, form)
            async for result in copied(session, origin, wanted):
                tally.add(result)
        return tally.exit

    raise run(config, account, operate)


def delete(
    hashes: Hashes,
    account: Account,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Delete images from an account, after a question on the terminal.

    An image that a creative or an ad uses is not deleted. One that a file in a folder wants is
    uploaded again by the daemon, which the question says. The effect is confirmed by reading the
    account again, for up to a minute. The exit codes are those of `upload`; without --yes, and
    without a yes to the question, nothing is deleted and it exits with 1.
    """
    form = Format.JSON if json else Format.TABLE
    wanted = checked_hashes(hashes)

    async def operate(session: Session, _: Config) -> Exit:
        from syncd.operations import deletions  # noqa: PLC0415  slow to import

        with output(form, _CHANGED) as rows:
            tally = Tally(rows, form)
            shown = await deletions.shown(session, wanted)
            obstacles = {one: deletions.obstacle(shown.get(one)) for one in wanted}
            free = {one: shown[one] for one in wanted if obstacles[one] is None}
            again = await deletions.wanted(session, list(free))
            for one, why in obstacles.items():
                if why is not None:
                    tally.add(Result(hash=one, why=why))
            if free:
                _confirm(session.calls.name, list(free), again, yes=yes)
            async for result in deletions.deleted(session, free):
                tally.add(result)
        return tally.exit

    raise run(config, account, operate)


def _confirm(
    account: str, free: Sequence[ImageHash], again: Collection[ImageHash], *, yes: bool
) -> None:
    """Ask on the terminal whether to delete images; end the command if not."""
    for image_hash in again:
        print_error(
            f"syncd: {image_hash}: a file wants it, so that syncd uploads it again", "warning"
        )
    if yes:
        return
    if not sys.stdin.isatty():
        fail("nothing was deleted: without a terminal, give --yes")
    print_error(f"Delete {amount(len(free), 'image')} from {account}? [y/N]", "warning")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("nothing was deleted")


def download(
    hashes: Hashes,
    account: Account,
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="An existing directory.",
            show_default=False,
        ),
    ],
    json: Json = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Download images into a directory, under their names in the account.

    No file is overwritten: where another file has the name, the hash is added to it. A download
    has to be a complete image with the size in pixels that the account lists. Its bytes are not
    those that were uploaded: Meta converts images. The exit codes are those of `upload`.
    """
    form = Format.JSON if json else Format.TABLE
    wanted = checked_hashes(hashes)

    async def operate(session: Session, _: Config) -> Exit:
        from syncd.operations.downloads import downloaded  # noqa: PLC0415  slow to import

        with output(form, _UPLOADED) as rows:
            tally = Tally(rows, form)
            async for result in downloaded(session, wanted, str(to)):
                tally.add(result)
        return tally.exit

    raise run(config, account, operate)
