"""The option --config of most commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigPath = Annotated[
    Path,
    # readable: load_config reports a file that is not, and ends with the code for configurations.
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        readable=False,
        help="The configuration file; its default is $SYNCD_CONFIG, if that is set.",
    ),
]
