"""HTML from Python: every text is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from syncd.model import printable


class Html(str):
    """Markup; every other string is a text."""

    __slots__ = ()


Content: TypeAlias = "Html | str | int | Iterable[Content] | None"
"""The content of an element; None is empty."""

_VOID = {"img", "input", "link", "meta", "br"}


def element(tag: str, /, *content: Content, **attributes: str | int | bool | None) -> Html:
    """Return an element.

    An underscore in the name of an attribute is a hyphen, and is left out at its end. An attribute
    of True has no value; one of None or False is left out.
    """
    begin = "".join((tag, *(_attribute(key, value) for key, value in attributes.items())))
    if tag in _VOID:
        return Html(f"<{begin}>")
    return Html(f"<{begin}>{markup(content)}</{tag}>")


def markup(content: Content) -> Html:
    """Return content as markup: a text is one line without control characters, and escaped."""
    match content:
        case None:
            return Html("")
        case Html():
            return content
        case str():
            return Html(escape(printable(content)))
        case int():
            return Html(f"{content:,}")
        case _:
            return Html("".join(map(markup, content)))


def name(text: str | bytes) -> Html:
    """Return a name of the user's: its writing direction affects nothing around it."""
    return element("bdi", printable(text))


def page(head: Content, body: Content) -> bytes:
    """Return a whole document."""
    whole = element("html", element("head", head), element("body", body), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n".encode()


def _attribute(key: str, value: str | int | bool | None) -> str:
    written = key.rstrip("_").replace("_", "-")
    match value:
        case None | False:
            return ""
        case True:
            return f" {written}"
        case _:
            return f' {written}="{escape(printable(str(value)))}"'
