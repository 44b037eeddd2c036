"""The commands of the application, as it declares them."""

import inspect

from typer import Typer

from syncd.cli.app import app


def summaries(group: Typer = app, words: str = "") -> dict[str, str]:
    """Return the first sentence about each command, by the words typed after `syncd`."""
    found: dict[str, str] = {}
    for info in group.registered_commands:
        assert info.callback is not None
        summary = inspect.cleandoc(info.callback.__doc__ or "").split("\n\n")[0]
        found[words + (info.name or info.callback.__name__)] = " ".join(summary.split())
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found |= summaries(inner.typer_instance, f"{words}{inner.typer_instance.info.name} ")
    return found
