"""syncd(1), made from the same declarations as --help, and from commands.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from typer import Typer
from typer.models import ArgumentInfo, ParamMeta
from typer.utils import get_params_from_function

from syncd.man.blocks import Block, Heading, Page, Paragraph, Term


def commands_page(app: Typer, rest: tuple[Block, ...]) -> Page:
    """Return the page of all commands of the application; `rest` follows them."""
    return Page(
        name="syncd",
        section=1,
        summary=_uncapitalized(str(app.info.help).removesuffix(".")),
        source="--help and commands.md",
        blocks=(
            Heading("Synopsis"),
            Paragraph("`syncd` *COMMAND* [*OPTION*]..."),
            Heading("Commands"),
            *_commands(app, "syncd"),
            *rest,
        ),
    )


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def _commands(group: Typer, words: str) -> Iterator[Block]:
    for info in group.registered_commands:
        if callback := info.callback:
            yield from _command(callback, f"{words} {info.name or callback.__name__}")
    for inner in group.registered_groups:
        if instance := inner.typer_instance:
            yield from _commands(instance, f"{words} {instance.info.name}")


def _command(callback: Callable[..., Any], words: str) -> Iterator[Block]:
    params = list(get_params_from_function(callback).values())
    arguments = [param for param in params if isinstance(param.default, ArgumentInfo)]
    yield Heading(words, 2)
    typed = [f"*{_bracketed(param)}*" for param in arguments]
    yield Paragraph(" ".join([f"`{words}`", *typed, "[*OPTION*]..."]))
    for paragraph in inspect.cleandoc(callback.__doc__ or "").split("\n\n"):
        yield Paragraph(" ".join(paragraph.split()))
    for param in params:
        yield Term(_name(param), " ".join(_help(param)))


def _name(param: ParamMeta) -> str:
    value = f"*{_value(param)}*"
    if isinstance(param.default, ArgumentInfo):
        return value
    names = param.default.param_decls or (f"--{param.name.replace('_', '-')}",)
    shown = ", ".join(f"`{name}`" for name in names)
    return shown if param.annotation is bool else f"{shown} {value}"


def _value(param: ParamMeta) -> str:
    metavar = re.sub(r"^\[(.*)\]$", r"\1", param.default.metavar or "")
    if not metavar and inspect.isclass(param.annotation) and issubclass(param.annotation, Enum):
        metavar = "|".join(str(member.value) for member in param.annotation)
    return metavar or {int: "NUMBER"}.get(param.annotation, param.name.upper())


def _bracketed(param: ParamMeta) -> str:
    required = param.default.default is ...
    return _value(param) if required else f"[{_value(param)}]"


def _help(param: ParamMeta) -> Iterator[str]:
    info = param.default
    yield str(info.help)
    default = info.default.value if isinstance(info.default, Enum) else info.default
    if info.show_default and default not in (None, ..., False):
        yield f"Default: {default}."
