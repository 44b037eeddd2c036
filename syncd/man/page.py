"""The man page, made from the same declarations as --help."""

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from typer import Typer
from typer.models import ArgumentInfo, ParamMeta
from typer.utils import get_params_from_function

from syncd.cli.app import app
from syncd.cli.options import DEFAULT_CONFIG

FILE = Path(__file__).with_name("syncd.1")


def man_page() -> str:
    """Return the page as roff source, in ASCII."""
    return "\n".join([*_head(), *_commands(app, "syncd"), *_tail()]) + "\n"


def _head() -> Iterator[str]:
    summary = str(app.info.help)
    yield '.\\" Generated from --help by python -m syncd.man.'
    yield ".TH SYNCD 1"
    yield ".SH NAME"
    yield f"syncd \\- {_text(summary.removesuffix('.'))}"
    yield ".SH SYNOPSIS"
    yield "\\fBsyncd\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]..."
    yield ".SH COMMANDS"


def _commands(group: Typer, words: str) -> Iterator[str]:
    for info in group.registered_commands:
        if callback := info.callback:
            yield from _command(callback, f"{words} {info.name or callback.__name__}")
    for inner in group.registered_groups:
        if instance := inner.typer_instance:
            yield from _commands(instance, f"{words} {instance.info.name}")


def _command(callback: Callable[..., Any], words: str) -> Iterator[str]:
    params = list(get_params_from_function(callback).values())
    arguments = [param for param in params if isinstance(param.default, ArgumentInfo)]
    yield f".SS {_text(words)}"
    typed = [f"\\fI{_text(_bracketed(param))}\\fR" for param in arguments]
    yield " ".join([f"\\fB{_text(words)}\\fR", *typed, "[\\fIOPTION\\fR]..."])
    for paragraph in inspect.cleandoc(callback.__doc__ or "").split("\n\n"):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))
    for param in params:
        yield ".TP"
        yield _name(param)
        yield _text(" ".join(_help(param)))


def _name(param: ParamMeta) -> str:
    value = f"\\fI{_text(_value(param))}\\fR"
    if isinstance(param.default, ArgumentInfo):
        return value
    names = param.default.param_decls or (f"--{param.name.replace('_', '-')}",)
    shown = ", ".join(f"\\fB{_text(name)}\\fR" for name in names)
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


def _tail() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code in str(app.info.epilog).removeprefix("Exit codes: ").split(" · "):
        number, _, meaning = code.partition(" ")
        yield from (".TP", f"\\fB{number}\\fR", _text(meaning))
    yield ".SH FILES"
    yield from (".TP", f"\\fI{DEFAULT_CONFIG}\\fR", "The configuration.")


def _text(text: str) -> str:
    """Return a text escaped for roff; text in backticks becomes bold."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
