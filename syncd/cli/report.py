"""`syncd report`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.console import print_line
from syncd.cli.errors import ledger_required
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, account_names, folder_names
from syncd.cli.selected import account_named, folder_named
from syncd.ledger.file import reading
from syncd.ledger.library_filter import Filter
from syncd.setup.files import replace
from syncd.wording.figures import format_size

MOST = 1_000
"""Images of a report: with pictures it has some 5 MB."""

_NO_PILLOW = "run pip install 'syncd[web]' where syncd is installed, then this command again"


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="The file to write.")],
    config: ConfigPath = DEFAULT_CONFIG,
    account: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Only the images of this account.",
            show_default=False,
            autocompletion=account_names,
        ),
    ] = "",
    folder: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Only the images of this folder.",
            show_default=False,
            autocompletion=folder_names,
        ),
    ] = "",
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST, help="The newest N images.")
    ] = MOST,
) -> None:
    """Write the library with pictures and hashes as one file of HTML, to send to a colleague.

    It needs no server and no other file. Pictures need Pillow: install syncd[web].
    """
    settings = load_config(config)
    only = account_named(settings, account).id if account else None
    if folder:
        folder_named(settings, folder)
    from syncd.web.report import report as report_of  # noqa: PLC0415  no other command needs it
    from syncd.web.thumbnails import has_pillow  # noqa: PLC0415  likewise

    with ledger_required(), reading(settings.ledger.path) as db:
        content = report_of(db, settings, Filter(folder=folder, account=only), limit, time.time())
    replace(out, content, 0o644)
    pictures = "" if has_pillow() else f", without pictures: {_NO_PILLOW}"
    print_line(f"wrote {out}, {format_size(len(content))}{pictures}")
