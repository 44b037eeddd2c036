"""`syncd images list` and `get`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_error, print_line
from syncd.cli.errors import Exit
from syncd.cli.image_operation import (
    Account,
    AsJson,
    Form,
    Hashes,
    checked_hashes,
    exit_of,
    output,
    run,
)
from syncd.cli.image_rows import Format
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath
from syncd.graph.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncd.config import Config
    from syncd.operations.listing import Selection
    from syncd.operations.session import Session

Fields = Annotated[
    str,
    typer.Option(
        "--fields",
        metavar="LIST",
        help=f"Only some of: {', '.join(FIELDS)}; separated by commas.",
        show_default=False,
    ),
]

Name = Annotated[
    str,
    typer.Option(
        "--name", metavar="TEXT", help="Only images whose name has it.", show_default=False
    ),
]
MinWidth = Annotated[
    int | None,
    typer.Option("--min-width", metavar="PIXELS", min=1, help="Only images of this width or more."),
]
MinHeight = Annotated[
    int | None,
    typer.Option(
        "--min-height", metavar="PIXELS", min=1, help="Only images of this height or more."
    ),
]
Business = Annotated[
    str,
    typer.Option(
        "--business",
        metavar="ID",
        help="The API's business_id, which assists filters such as recently used.",
        show_default=False,
    ),
]
BizTag = Annotated[
    str,
    typer.Option(
        "--biz-tag",
        metavar="ID",
        help="Only images with this business tag (biz_tag_id).",
        show_default=False,
    ),
]
HashList = Annotated[
    str | None,
    typer.Option(
        "--hashes",
        metavar="LIST",
        help="Only these hashes, separated by commas.",
        show_default=False,
    ),
]
AllStatuses = Annotated[
    bool, typer.Option("--all-statuses", help="Also images that are INTERNAL or DELETED.")
]
Unknown = Annotated[bool, typer.Option("--unknown", help="Only images that syncd does not manage.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most N images.")]
Count = Annotated[
    bool, typer.Option("--count", help="Print only the number of all images in the account.")
]

_MISSING = "the account does not list it"


def list_images(
    *,
    account: Account,
    fields: Fields = "",
    name: Name = "",
    min_width: MinWidth = None,
    min_height: MinHeight = None,
    business: Business = "",
    biz_tag: BizTag = "",
    hashes: HashList = None,
    all_statuses: AllStatuses = False,
    unknown: Unknown = False,
    limit: Limit = None,
    count: Count = False,
    form: Form = Format.TABLE,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """List the images of an account, page by page to the end.

    An image is printed as soon as its page has arrived, so that memory does not grow with their
    number. JSON and CSV have all fields of the Ad Image page, unless --fields names some. It exits
    with 69 if the account takes no calls, as when its token is rejected.
    """
    from syncd.graph.image_calls import Filters  # noqa: PLC0415  slow to import
    from syncd.operations.listing import Selection  # noqa: PLC0415  the same

    filters = Filters(
        hashes=None
        if hashes is None
        else checked_hashes([one.strip() for one in hashes.split(",")]),
        name=name or None,
        min_width=min_width,
        min_height=min_height,
        business=_digits("--business", business),
        biz_tag=_digits("--biz-tag", biz_tag),
    )
    if count and (filters.parameters() or unknown or limit is not None):
        raise typer.BadParameter("--count is about all images of the account: give no filter")
    form = Format.JSON if json else form
    columns, requested = _columns(fields, form, with_status=all_statuses)
    selection = Selection(
        fields=requested,
        filters=filters,
        all_statuses=all_statuses,
        unknown=unknown,
        limit=limit,
    )
    operation = _count if count else partial(_list, selection, form, columns)
    raise run(config, account, operation)


async def _count(session: Session, _: Config) -> Exit:
    from syncd.operations.listing import total  # noqa: PLC0415  slow to import

    print_line(str(await total(session)))
    return Exit.DONE


async def _list(
    selection: Selection, form: Format, columns: Sequence[str], session: Session, _: Config
) -> Exit:
    from syncd.operations.listing import listed  # noqa: PLC0415  slow to import

    with output(form, columns) as rows, _bar() as advance:
        async for part in listed(session, selection):
            for node in part.nodes:
                rows.write({name: node.fields.get(name) for name in selection.fields})
            advance(len(part.nodes), part.total)
    return Exit.DONE


def get(
    hashes: Hashes,
    account: Account,
    fields: Fields = "",
    form: Form = Format.TABLE,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show images by their hashes, whatever their status.

    It exits with 3 if the account does not list some of them, and with 1 if it lists none.
    """
    from syncd.operations import listing  # noqa: PLC0415  slow to import

    wanted = checked_hashes(hashes)
    form = Format.JSON if json else form
    columns, requested = _columns(fields, form, with_status=True)

    async def operate(session: Session, _: Config) -> Exit:
        missing = 0
        with output(form, columns) as rows:
            found = await listing.looked_up(session, wanted, requested)
            for image_hash in wanted:
                if (node := found.get(image_hash)) is not None:
                    rows.write({name: node.fields.get(name) for name in requested})
                    continue
                missing += 1
                print_error(f"syncd: {image_hash}: {_MISSING}")
                if form is Format.JSON:
                    rows.write({"hash": image_hash, "why": _MISSING})
        return exit_of(len(found), missing)

    raise run(config, account, operate)


def _columns(fields: str, form: Format, *, with_status: bool) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns of the output, and the fields to request."""
    if fields:
        names = [name.strip() for name in fields.split(",")]
        for name in names:
            if name not in FIELDS:
                raise typer.BadParameter(f"no field {name}; there are: {', '.join(FIELDS)}")
        return names, tuple(names)
    if form is Format.TABLE:
        status = ["status"] if with_status else []
        requested = ("hash", "width", "height", "created_time", "status", "name")
        return ["hash", *status, "pixels", "created", "name"], requested
    return list(FIELDS), FIELDS


def _digits(option: str, text: str) -> str | None:
    if text and not (text.isascii() and text.isdigit()):
        raise typer.BadParameter(f"{option}: {text!r} is not an id: it has digits only")
    return text or None


@contextmanager
def _bar() -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on stderr, if that is a terminal to which the rows are not written."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda _images, _total: None
        return
    from rich.console import Console  # noqa: PLC0415  slow to import
    from rich.progress import Progress  # noqa: PLC0415  the same

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("images", total=None)

        def advance(images: int, total: int | None) -> None:
            progress.update(task, advance=images, total=total)

        yield advance
