"""`syncd explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.console import print_json, print_line, print_paragraph, print_row
from syncd.cli.errors import Exit
from syncd.rules.errors import Scope
from syncd.rules.explanation import (
    SCOPES,
    Explanation,
    every_explanation,
    explained,
    parsed,
    suggestions,
)


def explain(
    code: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CODE[/SUBCODE]",
            help="An error as the log or the API prints it: `190/463`, `190 463`, `(#80004)` or"
            " `HTTP 413`; without it, all errors are listed.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Explain an error of the API: what happened, what syncd does, and what to do.

    The explanations come from the table that syncd decides by. It exits with 1 for a code that is
    not in the table, and prints what syncd does with any such code.
    """
    if not code:
        _print_all(json=json)
        return
    text = " ".join(code)
    if (error := parsed(text)) is None:
        raise typer.BadParameter(f"{text!r} is not an error code: write 190/463 or 80004")
    found = explained(error)
    if json:
        print_json(found)
    else:
        _print_one(found)
        if not found.is_known and (names := suggestions(error.code)):
            print_line(f"As a subcode, {error.code} belongs to {', '.join(names)}.")
    raise typer.Exit(Exit.DONE if found.is_known else Exit.NOT_ALL)


def _print_all(*, json: bool) -> None:
    everything = list(every_explanation())
    if json:
        print_json(everything)
        return
    error, kind = (max(len(getattr(one, name)) for one in everything) for name in ("error", "kind"))
    for one in everything:
        print_row(f"{one.error:<{error}}  {one.kind:<{kind}}  {one.meaning}")
    print_line()
    print_paragraph("`syncd explain CODE` shows what syncd does about one, and what to do.")


def _print_one(one: Explanation) -> None:
    print_line(f"{one.error}: {one.meaning}")
    lines = (
        ("kind", one.kind),
        ("scope", f"{one.scope}: {SCOPES[Scope[one.scope.upper()]]}"),
        ("syncd", one.action),
        ("to do", one.remedy),
    )
    for name, text in lines:
        print_paragraph(text, first=f"  {name:<5}  ", indent=" " * 9)
