"""`syncd images`."""

from __future__ import annotations

import typer

from syncd.cli.image_changes import copy, delete, download, upload
from syncd.cli.image_lists import get, list_images

images = typer.Typer(
    name="images",
    help="Show, upload, copy, delete and download single images of an account.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
images.command("list")(list_images)
for command in (get, upload, copy, delete, download):
    images.command()(command)
