"""The frame of every page, and parts that several pages share."""

from __future__ import annotations

from syncd.web.html import Content, Html, element, page

TITLE = "syncd library"


def whole_page(title: str, *content: Content, signed_in: bool = False) -> bytes:
    """Return a page with the navigation; `signed_in` if there is a session to end."""
    navigation = element(
        "nav",
        element("a", "syncd", href="/", class_="home"),
        element("a", "Overview", href="/"),
        element("a", "Library", href="/library"),
        _log_out() if signed_in else None,
        aria_label="Pages",
    )
    return _document(title, element("header", navigation), element("main", content))


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
