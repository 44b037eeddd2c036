"""All pages of the manual, and the files that man reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer import Typer

from syncd.man.blocks import Page
from syncd.man.commands_page import commands_page
from syncd.man.config_page import config_page
from syncd.man.events_page import events_page
from syncd.man.roff import roff
from syncd.man.topics import operation_page, written


def pages(app: Typer) -> Iterator[Page]:
    """Yield every page; that of the commands describes an application."""
    yield commands_page(app, written("commands"))
    yield config_page()
    yield events_page(written("events"))
    yield operation_page()


def files(app: Typer) -> dict[Path, str]:
    """Return the files of all pages, and their sources."""
    return {Path(__file__).with_name(page.file): roff(page) for page in pages(app)}
