"""`syncd help`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from syncd.cli.console import line_width, print_line, print_paragraph
from syncd.cli.errors import Exit, fail
from syncd.man.text import text
from syncd.man.topics import topics


def help_topic(
    topic: Annotated[
        str, typer.Argument(help="The name of a topic. Without it, all topics are listed.")
    ] = "",
) -> None:
    """Show a topic of the manual: how syncd decides, and how to run it.

    The topics are sections of `man syncd`, `man syncd.toml`, `man syncd-events` and `man
    syncd-operation`. `syncd COMMAND --help` describes a command.
    """
    known = topics()
    if not topic:
        width = max(map(len, known))
        for name, one in known.items():
            print_line(f"{name:<{width}}  {one.title}")
        print_line()
        print_paragraph("`syncd help TOPIC` shows one; `syncd COMMAND --help` describes a command.")
    elif topic in known:
        for line in text(known[topic].blocks, line_width()):
            print_line(line)
    else:
        near = get_close_matches(topic, known, n=1)
        hint = f": did you mean `syncd help {near[0]}`?" if near else ""
        fail(f"{topic!r} is not a topic{hint}; `syncd help` lists them", Exit.USAGE)
