"""`syncd ads`: create."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import typer

from syncd.cli.console import print_error, print_json, print_line
from syncd.cli.errors import Exit, fail
from syncd.cli.image_operation import Account, checked_hashes, run
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath
from syncd.operations.ad import Ad, AdStatus, Creative, images_named, with_hash

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.operations.session import Session

ads = typer.Typer(
    name="ads",
    help="Create ads with images of an account, or with new ones.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


ImageFile = Annotated[
    str | None,
    typer.Option(
        "--image", metavar="FILE", help="Upload this image with the ad.", show_default=False
    ),
]
ImageOfAccount = Annotated[
    str | None,
    typer.Option(
        "--hash", metavar="HASH", help="Use this image of the account.", show_default=False
    ),
]


@ads.callback()
def _group() -> None:
    """Let typer treat the only command as one of a group."""


@ads.command()
def create(
    *,
    account: Account,
    adset: Annotated[
        str,
        typer.Option("--adset", metavar="ID", help="The ad set of the ad.", show_default=False),
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="The ad's name.", show_default=False)
    ],
    creative: Annotated[
        Path,
        typer.Option(
            "--creative",
            metavar="FILE.json",
            help="The creative as a JSON object of the API; --image or --hash sets its image.",
            show_default=False,
        ),
    ],
    image: ImageFile = None,
    image_hash: ImageOfAccount = None,
    status: Annotated[
        AdStatus, typer.Option("--status", help="The status of the new ad.")
    ] = AdStatus.PAUSED,
    active: Annotated[
        bool,
        typer.Option("--active", help="Allow an ad that is not paused: it can spend money."),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON, for programs: also for an ad that was not created."
        ),
    ] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Create an ad, paused unless --active allows otherwise, and print its id.

    An image that is uploaded with it is kept, unless a file of a folder wants it: the daemon never
    deletes it. The call is not repeated when its result is unknown, because that could create a
    second ad. It exits with 1 if the ad was not created, or that is unknown; with 69 if the account
    takes no calls.
    """
    if (image is None) == (image_hash is None):
        raise typer.BadParameter("give --image or --hash, not both")
    try:
        described = _with_image(_read(creative), image_hash)
        ad = Ad(name=name, adset=adset, status=status, creative=described)
        found = None if active else ad.active()
    except RecursionError:
        raise typer.BadParameter(f"{creative}: it is nested too deeply") from None
    if found is not None:
        raise typer.BadParameter(f"{found}: the ad would not be paused; allow that by --active")

    async def operate(session: Session, _: Config) -> Exit:
        return await _create(session, ad, image, json=json)

    raise run(config, account, operate)


def _read(path: Path) -> Creative:
    """Return the creative in a file; raise BadParameter if it is not a JSON object."""
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--creative") from None
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--creative") from None
    return found


def _with_image(creative: Creative, image_hash: str | None) -> Creative:
    """Return a creative with an image of the account, or for one that is uploaded with it.

    The ad must show that image alone: raise BadParameter if the creative names others.
    """
    named = images_named(creative)
    if image_hash is None:
        if named:
            raise typer.BadParameter(
                f"the creative names an image ({', '.join(named)}): remove its image_hash, or give"
                " --hash instead of --image"
            )
        return creative
    if len(named) > 1:
        raise typer.BadParameter(
            f"the creative names several images ({', '.join(named)}), which --hash would replace:"
            " leave one image_hash in it"
        )
    (known,) = checked_hashes([image_hash])
    return with_hash(creative, known)


async def _create(session: Session, ad: Ad, image: str | None, *, json: bool) -> Exit:
    from syncd.graph.client import GraphError  # noqa: PLC0415  slow to import
    from syncd.operations.ads import UncertainError, created  # noqa: PLC0415  the same
    from syncd.operations.calls import ClosedError, sentence  # noqa: PLC0415  the same
    from syncd.operations.pictures import Picture, Refused, read  # noqa: PLC0415  the same

    def print_failure(why: str) -> None:
        if json:
            print_json({"id": None, "why": why})

    def end(why: str) -> NoReturn:
        print_failure(why)
        fail(why)

    picture = None if image is None else read(image)
    match picture:
        case Refused(label, why):
            end(f"{label}: {why}; nothing was sent")
        case None | Picture():
            pass
        case _:
            end(f"{picture.label}: it is an archive, not an image; nothing was sent")
    try:
        made = await created(session, ad, picture)
    except UncertainError as error:
        end(
            f"whether the ad was created is unknown ({error}): look for {ad.name!r} in Ads Manager"
            " before you create it again"
        )
    except (GraphError, ClosedError) as error:
        print_failure(sentence(error.api_error) if isinstance(error, GraphError) else str(error))
        raise
    if picture is not None and made.hash is None:
        print_error("syncd: the hash of the new image is unknown; it is not recorded", "warning")
    if json:
        print_json(made)
    else:
        print_line(made.id)
    return Exit.DONE
