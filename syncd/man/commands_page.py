"""syncd(1), made from the same declarations as --help, and from commands.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import get_args

import msgspec
from typer import Typer
from typer.models import ArgumentInfo, ParamMeta
from typer.utils import get_params_from_function

from syncd.man.blocks import Block, Heading, Page, Paragraph, Term, is_section


def commands_page(app: Typer, written: tuple[Block, ...]) -> Page:
    """Return the page of all commands, which follow the first section of the written ones."""
    _, end, *_ = (number for number, block in enumerate(written) if is_section(block))
    return Page(
        name="syncd",
        section=1,
        summary=_uncapitalized(str(app.info.help).removesuffix(".")),
        source="--help and commands.md",
        blocks=(
            Heading("Synopsis"),
            Paragraph("`syncd` *COMMAND* [*OPTION*]..."),
            *written[:end],
            Heading("Options"),
            *_common(app),
            Heading("Commands"),
            *_described(app),
            *written[end:],
        ),
    )


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


class _Command(msgspec.Struct, frozen=True):
    """A command, as it is typed."""

    words: str
    description: str
    params: list[ParamMeta]


def _commands(group: Typer, words: str = "syncd") -> Iterator[_Command]:
    for info in group.registered_commands:
        if callback := info.callback:
            yield _Command(
                f"{words} {info.name or callback.__name__}",
                inspect.cleandoc(callback.__doc__ or ""),
                list(get_params_from_function(callback).values()),
            )
    for inner in group.registered_groups:
        if instance := inner.typer_instance:
            yield from _commands(instance, f"{words} {instance.info.name}")


def _common(app: Typer) -> Iterator[Block]:
    """Yield the options of all commands, or of all but a few."""
    commands = list(_commands(app))
    config = next(param for one in commands for param in one.params if param.name == "config")
    without = [one.words.split()[1] for one in commands if config.name not in _names(one)]
    names = ", ".join(f"`{name}`" for name in without)
    yield Term(_name(config), f"{' '.join(_help(config))} Every command has it, except {names}.")
    yield Term("`--help`, `-h`", "Show the options of a command.")
    yield Term("`--version`", "Show the version.")
    yield Term("`--install-completion`", "Install the completion of commands for the shell.")


def _described(app: Typer) -> Iterator[Block]:
    for command in _commands(app):
        yield Heading(command.words, 2)
        arguments = [one for one in command.params if isinstance(one.default, ArgumentInfo)]
        typed = [f"*{_bracketed(param)}*" for param in arguments]
        yield Paragraph(" ".join([f"`{command.words}`", *typed, "[*OPTION*]..."]))
        for paragraph in command.description.split("\n\n"):
            yield Paragraph(" ".join(paragraph.split()))
        for param in command.params:
            if param.name != "config":
                yield Term(_name(param), " ".join(_help(param)))


def _names(command: _Command) -> set[str]:
    return {param.name for param in command.params}


def _name(param: ParamMeta) -> str:
    value = f"*{_value(param)}*"
    if isinstance(param.default, ArgumentInfo):
        return value
    names = param.default.param_decls or (f"--{param.name.replace('_', '-')}",)
    shown = ", ".join(f"`{name}`" for name in names)
    return shown if param.annotation is bool else f"{shown} {value}"


def _value(param: ParamMeta) -> str:
    metavar = re.sub(r"^\[(.*)\]$", r"\1", param.default.metavar or "")
    for kind in get_args(param.annotation) or (param.annotation,):
        if not metavar and inspect.isclass(kind) and issubclass(kind, Enum):
            metavar = "|".join(str(member.value) for member in kind)
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
