"""The words that `--help` shows for values: none for a flag, and the name of an argument.

Typer also shows a type: `<bool>` after each flag, and `<str>` after the name of an argument.
"""

from __future__ import annotations

from typing import Any

from typer import Typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


def show_no_types(app: Typer) -> None:
    """Leave the types out of the help of an application and of all its commands."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            show_no_types(group.typer_instance)


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))


def _without_types(params: list[Any]) -> list[Any]:
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag:
            param.metavar = ""
        elif isinstance(param, TyperArgument):
            setattr(param, "display_type_rich", _no_type)  # noqa: B010  a method, for mypy
    return params


def _no_type(**_context: object) -> None:
    """Return no text for the column of types."""
