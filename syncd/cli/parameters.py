"""The option --config of most commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="PATH", help="The configuration file."),
]
