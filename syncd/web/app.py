"""The choice of the page for a request, after the check of who may see it."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from math import ceil
from pathlib import Path

from syncd.config import Config
from syncd.ledger.errors import LedgerError
from syncd.ledger.families import FoundFamily, Key
from syncd.ledger.library import Card
from syncd.rules.forecast import duration
from syncd.web import reads
from syncd.web.absent import AbsentFiles
from syncd.web.access import COOKIE, LASTS, Access
from syncd.web.exchange import CSV, Request, Response, redirect
from syncd.web.library_reads import LibraryReads
from syncd.web.pages.families import FamiliesFound, families_page
from syncd.web.pages.image import image_page
from syncd.web.pages.layout import error_page
from syncd.web.pages.library import Shown, library_page
from syncd.web.pages.login import login_page
from syncd.web.pages.overview import overview_page
from syncd.web.rejections import Rejections
from syncd.web.search_form import search_of
from syncd.web.thumbnails import LARGE, SMALL, Thumbnails, has_pillow

SEARCH = 0.06
"""Seconds after which a search shows what it has found, and goes on with the next page."""

_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "library.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

_NO_PICTURE = files("syncd.web").joinpath("assets/no-picture.svg").read_bytes()

_NOT_THIS_HOST = (
    "These pages are not served under this host name. Open them under a name of the machine that"
    " runs syncd web, or add the name to [web] hosts in its configuration."
)

_KEPT_BY_BROWSER = {"Cache-Control": "private, max-age=86400"}
_COOKIE = f"{COOKIE}={{}}; Max-Age={{}}; Path=/; HttpOnly; SameSite=Strict"

Handler = Callable[["App", Request], Awaitable[Response]]


class App:
    """The pages about one configuration."""

    def __init__(self, config: Config, config_path: Path, access: Access) -> None:
        self._config = config
        self._path = config_path
        self._access = access
        self._ledger = LibraryReads(config.ledger.path)
        self._pictures = Thumbnails()
        self._absent = AbsentFiles(config)
        self._rejections = Rejections()
        self._has_pillow = has_pillow()

    def close(self) -> None:
        """Log what is not logged yet, and end the threads."""
        self._rejections.close()
        self._ledger.close()
        self._pictures.close()
        self._absent.close()

    async def respond(self, request: Request) -> Response:
        """Return the response to a request."""
        if not self._access.serves(request.host):
            return Response(body=error_page("Not this host", _NOT_THIS_HOST), status=403)
        if request.path.startswith("/static/"):
            return _asset(request.path.removeprefix("/static/"))
        if request.path == "/login":
            return self._log_in(request)
        if not self._access.is_open(request.cookies.get(COOKIE, "")):
            return redirect("/login")
        handler = _handler(request)
        if handler is None:
            text = "There is no such page."
            return Response(body=error_page("Not found", text), status=404)
        try:
            return await handler(self, request)
        except (FileNotFoundError, PermissionError, LedgerError) as error:
            return Response(body=error_page("The ledger cannot be read", str(error)), status=503)

    def _log_in(self, request: Request) -> Response:
        if not self._access.needs_password:
            return redirect("/")
        if request.method != "POST":
            return Response(body=login_page())
        if wait := self._access.wait(request.client):
            self._rejections.record(request.client)
            problem = f"There were too many wrong passwords: try again in {duration(wait)}."
            retry = {"Retry-After": str(ceil(wait))}
            return Response(body=login_page(problem), status=429, headers=retry)
        given = "".join(request.form.get("password", ()))
        cookie = self._access.log_in(given, request.client)
        if cookie is None:
            self._rejections.record(request.client)
            return Response(body=login_page("This is not the password."), status=403)
        secure = "; Secure" if request.is_encrypted else ""
        return redirect("/", {"Set-Cookie": _COOKIE.format(cookie, LASTS) + secure})

    async def log_out(self, _: Request) -> Response:
        """Return the end of the session."""
        return redirect("/login", {"Set-Cookie": _COOKIE.format("", 0)})

    async def overview(self, request: Request) -> Response:
        """Return the overview."""
        account = request.query.get("account", "")
        found = await self._ledger.run(partial(reads.overview, self._config, account))
        return Response(body=overview_page(found, self._path, signed_in=self._signed_in))

    async def library(self, request: Request) -> Response:
        """Return a page of the library."""
        search = search_of(request.query, self._config)
        after = request.query.get("after", "")
        before = int(after) if re.fullmatch(r"[0-9]{1,15}", after) else None
        until = time.monotonic() + SEARCH
        read = partial(reads.library_page, search.wanted, before)
        page = await self._ledger.run(read)
        while len(page.images) < reads.PAGE and page.after and time.monotonic() < until:
            page = await self._ledger.run(partial(reads.continued, search.wanted, page))
        families = await self._ledger.run(partial(reads.families, page.images))
        absent = None
        if search.is_by_name and before is None and not page.images and page.after is None:
            unread = await self._ledger.run(partial(reads.unread, search.wanted.text))
            absent = await self._absent.find(search.wanted.text, unread)
        shown = Shown(
            search=search,
            page=page,
            families=families,
            absent=absent,
            has_pictures=self._has_pillow,
        )
        return Response(body=library_page(shown, self._config, signed_in=self._signed_in))

    async def families(self, request: Request) -> Response:
        """Return a page of the families."""
        part, folder = (request.query.get(key, "").strip()[:255] for key in ("q", "folder"))
        until = time.monotonic() + SEARCH
        shown: list[tuple[FoundFamily, list[Card]]] = []
        after = _key(request.query.get("after", ""))
        while True:
            left = reads.FAMILIES - len(shown)
            found = await self._ledger.run(
                partial(reads.families_page, folder, part, after=after, limit=left)
            )
            shown, after = [*shown, *found.families], found.after
            if len(shown) >= reads.FAMILIES or after is None or time.monotonic() > until:
                break
        page = FamiliesFound(folder=folder, part=part, families=shown, after=after)
        return Response(body=families_page(page, self._config, signed_in=self._signed_in))

    async def image(self, request: Request) -> Response:
        """Return the page of an image."""
        digest = _digest(request)
        known = await self._ledger.run(partial(reads.image, self._config, digest))
        if known is None:
            text = "No image has this SHA-256 now."
            return Response(body=error_page("Not found", text), status=404)
        return Response(body=image_page(known, self._config, signed_in=self._signed_in))

    async def small(self, request: Request) -> Response:
        """Return a picture for the library."""
        return await self._picture(_digest(request), SMALL)

    async def large(self, request: Request) -> Response:
        """Return a picture for its own page."""
        return await self._picture(_digest(request), LARGE)

    async def _picture(self, digest: bytes, side: int) -> Response:
        picture = self._pictures.kept(digest, side)
        if picture is None:
            sources = await self._ledger.run(partial(reads.sources, digest))
            picture = await self._pictures.make(digest, side, sources)
        if picture is None:
            return Response(body=_NO_PICTURE, type="image/svg+xml")
        return Response(body=picture, type="image/webp", headers=_KEPT_BY_BROWSER)

    async def csv(self, request: Request) -> Response:
        """Return the hashes of the marked images."""
        marked = [
            bytes.fromhex(one)
            for one in request.form.get("image", ())
            if re.fullmatch(r"[0-9a-f]{64}", one)
        ]
        account = "".join(request.form.get("account", ()))
        rows = await self._ledger.run(partial(reads.csv, self._config, marked, account))
        disposition = {"Content-Disposition": 'attachment; filename="hashes.csv"'}
        return Response(body=rows, type=CSV, headers=disposition)

    @property
    def _signed_in(self) -> bool:
        return self._access.needs_password


_PAGES: dict[tuple[str, str], Handler] = {
    ("GET", "/"): App.overview,
    ("GET", "/library"): App.library,
    ("GET", "/families"): App.families,
    ("POST", "/csv"): App.csv,
    ("POST", "/logout"): App.log_out,
}
_OF_IMAGE: dict[str, Handler] = {
    "image": App.image,
    "small": App.small,
    "large": App.large,
}


def _handler(request: Request) -> Handler | None:
    of_image = re.fullmatch(r"/([a-z]+)/[0-9a-f]{64}", request.path)
    if of_image is not None and request.method == "GET":
        return _OF_IMAGE.get(of_image[1])
    return _PAGES.get((request.method, request.path))


def _digest(request: Request) -> bytes:
    return bytes.fromhex(request.path.rpartition("/")[2])


def _key(text: str) -> Key | None:
    """Return the key of a page of families; None for the first page."""
    found = re.fullmatch(r"([0-9]{1,15})-((?:[0-9a-f]{2}){0,255})", text)
    return None if found is None else Key(int(found[1]), bytes.fromhex(found[2]))


def _asset(name: str) -> Response:
    if name not in _ASSETS:
        return Response(body=error_page("Not found", "There is no such file."), status=404)
    content = files("syncd.web").joinpath(f"assets/{name}").read_bytes()
    return Response(body=content, type=_ASSETS[name])
