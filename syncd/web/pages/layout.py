"""The frame of every page, and parts that several pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncd.web.html import Content, Html, element, page

TITLE = "syncd library"


_PAGES = {"/": "Overview", "/library": "Library", "/families": "Families"}


def whole_page(
    title: str, *content: Content, signed_in: bool = False, at: str | None = None
) -> bytes:
    """Return a page with the navigation; `signed_in` if there is a session to end.

    `at` is the address of the page, if the navigation has it.
    """
    links = (
        element("a", label, href=path, aria_current="page" if path == at else None)
        for path, label in _PAGES.items()
    )
    navigation = element(
        "nav",
        element("a", "syncd", href="/", class_="home"),
        links,
        _log_out() if signed_in else None,
        aria_label="Pages",
    )
    spoken = element("p", role="status", id="said", class_="spoken")
    return _document(title, element("header", navigation), element("main", content), spoken)


def bare_page(title: str, *content: Content) -> bytes:
    """Return a page without the navigation, for those who have not logged in."""
    return _document(title, element("main", content, class_="narrow"))


def error_page(title: str, text: str) -> bytes:
    """Return a page with an error."""
    return whole_page(title, element("h1", title), element("p", text, class_="alert"))


def copy_button(text: str, what: str) -> Html:
    """Return a button that copies a text; `what` names it for those who cannot see it."""
    label = f"Copy {what}"
    return element(
        "button",
        "Copy",
        type="button",
        class_="copy",
        data_copy=text,
        aria_label=label,
        title=label,
    )


FEW = 4
"""Accounts that a card shows without a click, if an image is in more of them."""


def folded(chips: Sequence[Html], rest: str) -> Content:
    """Return a list of accounts, of which all but a few are folded; `rest` is about these."""
    few = len(chips) if len(chips) <= FEW + 1 else FEW
    shown = element("ul", chips[:few], class_="chips")
    if len(chips) == few:
        return shown
    summary = element("summary", f"{len(chips) - few:,} more accounts{rest}")
    return shown, element("details", summary, element("ul", chips[few:], class_="chips"))


def choice(key: str, every: str, values: Iterable[str], chosen: str) -> Html:
    """Return a field of a form with these values, or `every` for any of them."""
    options = [element("option", value, value=value, selected=value == chosen) for value in values]
    return element(
        "select", element("option", every, value=""), options, name=key, aria_label=key.title()
    )


def search_box(value: str, label: str) -> Html:
    """Return the field of a search form for a text; `label` describes it."""
    return element(
        "input",
        type="search",
        name="q",
        id="q",
        value=value,
        placeholder=label,
        aria_label=label,
    )


def more_link(address: str, *, is_empty: bool) -> Html:
    """Return the link to the next page, which follows one that `is_empty` or not."""
    label = "Nothing yet: search on" if is_empty else "Show more"
    return element("p", element("a", label, href=address, id="more", class_="button"))


def keys(rows: Sequence[tuple[str, str]]) -> Html:
    """Return the keys that a page knows, folded."""
    return element(
        "details",
        element("summary", "Keyboard"),
        element("ul", (element("li", element("kbd", key), f" {what}") for key, what in rows)),
        class_="keys note",
        id="keys",
    )


def details(*rows: tuple[str, Content]) -> Html:
    """Return a list of names and values."""
    pairs = ((element("dt", key), element("dd", value)) for key, value in rows)
    return element("dl", pairs)


def _document(title: str, *content: Content) -> bytes:
    head = (
        element("meta", charset="utf-8"),
        element("title", f"{title} · {TITLE}"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        element("link", rel="stylesheet", href="/static/style.css"),
        element("script", src="/static/library.js", defer=True),
    )
    return page(head, content)


def _log_out() -> Html:
    return element(
        "form", element("button", "Log out"), method="post", action="/logout", class_="logout"
    )
