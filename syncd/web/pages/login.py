"""The page that asks for the password."""

from __future__ import annotations

from syncd.web.html import element
from syncd.web.pages.layout import TITLE, bare_page


def login_page(problem: str | None = None) -> bytes:
    """Return the form; `problem` is why the last attempt failed."""
    return bare_page(
        "Log in",
        element("h1", TITLE),
        None if problem is None else element("p", problem, class_="alert", role="alert"),
        element(
            "form",
            element("label", "Password", for_="password"),
            element(
                "input",
                type="password",
                id="password",
                name="password",
                autocomplete="current-password",
                required=True,
                autofocus=True,
            ),
            element("button", "Log in"),
            method="post",
            action="/login",
            class_="login",
        ),
    )
