"""How the pages look: contrasts, sizes of targets, focus, and nothing wider than the window."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from support.chromium import Tab, browser, required
from support.rig import Rig
from support.web_library import crowd, served

from syncd.ledger.library_filter import Filter
from syncd.web.report import report

pytestmark = [required, pytest.mark.browser]

SHOTS = os.environ.get("SYNCD_TEST_SCREENSHOTS")
"""A directory for the screenshots, to look at."""

VIEWS = (
    [(width, dark) for width in (360, 768, 1280) for dark in (False, True)]
    if SHOTS
    else [(360, False), (360, True), (768, False)]
)
"""The widths of the window in pixels, and whether the colours are dark."""

CONTRASTS = """(() => {
  const parsed = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parsed(getComputedStyle(one).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const wrong = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const colour = parsed(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const found = contrast(colour, ground(element));
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (found < (large ? 3 : 4.5)) {
      wrong.push(`${node.data.trim().slice(0, 40)}: ${found.toFixed(2)}`);
    }
  }
  for (const one of document.querySelectorAll("button, select, input:not([type=checkbox])")) {
    if (!one.checkVisibility()) continue;
    const edge = contrast(parsed(getComputedStyle(one).borderTopColor).slice(0, 3),
                          ground(one.parentElement));
    if (edge < 3) wrong.push(`edge of ${one.outerHTML.slice(0, 60)}: ${edge.toFixed(2)}`);
  }
  return wrong;
})()"""
"""Texts with less contrast than WCAG 2.2 AA requires (1.4.3), and edges of controls (1.4.11)."""

WIDE = """(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  return scrollWidth <= clientWidth ? [] : [`${scrollWidth} pixels wide`,
    ...[...document.body.querySelectorAll("*")]
      .filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
      .map((one) => one.outerHTML.slice(0, 60))];
})()"""

SMALL_TARGETS = """[...document.querySelectorAll("a[href], button, select, input, summary")]
  .filter((one) => one.checkVisibility() && !one.closest("p:not(:has(.button)), dd, svg"))
  .map((one) => one.closest("label.mark") || one)
  .filter((one) => {
    const { width, height } = one.getBoundingClientRect();
    return width < 43.5 || height < 43.5;
  })
  .map((one) => `${one.outerHTML.slice(0, 90)} ${JSON.stringify(one.getBoundingClientRect())}`)"""
"""Targets below 44 pixels, except links within a text."""

CUT = """[...document.querySelectorAll("code, .wide")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).display !== "inline")
  .map((one) => one.textContent)"""

TABBED = """(() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  window.before = window.now;
  window.now = one;
  const forward = !window.before || one === document.body
    || Boolean(window.before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  return { forward, ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
           name: one.outerHTML.slice(0, 60) };
})()"""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with browser(tmp_path / "profile") as tab:
        yield tab
        assert tab.errors == []


async def look(tab: Tab, url: str, of: str, pages: dict[str, str]) -> None:
    """Open each page at each size, in light and dark, and check it."""
    wrong: dict[str, list[str]] = {}
    for width, dark in VIEWS:
        await tab.resize(width, 900, dark=dark)
        for name, path in pages.items():
            await tab.open(f"{url}{path}")
            where = f"{of}-{name}-{width}-{'dark' if dark else 'light'}"
            if SHOTS:
                await _shoot(tab, Path(SHOTS, f"{where}.png"))
            checks = (WIDE, CONTRASTS, CUT, *([SMALL_TARGETS] if width < 560 else []))
            wrong[where] = [one for check in checks for one in await tab.evaluate(check)]
    assert {where: found for where, found in wrong.items() if found} == {}


async def _shoot(tab: Tab, file: Path) -> None:
    await tab.until("[...document.images].slice(0, 6).every((one) => one.complete)")
    file.write_bytes(await tab.screenshot())  # noqa: ASYNC240  a local file


async def _tab_through(tab: Tab, url: str, presses: int) -> None:
    """The focus moves in the order of the page, and is always seen."""
    await tab.resize(1280, 900, dark=False)
    await tab.open(f"{url}/library")
    for _ in range(presses):
        for kind in ("keyDown", "keyUp"):
            key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            await tab.call("Input.dispatchKeyEvent", type=kind, **key)
        found = await tab.evaluate(TABBED)
        assert found["forward"], found
        assert found["ring"], found


@pytest.mark.parametrize("accounts", [1, 8, 40] if SHOTS else [40])
async def test_pages_are_readable_and_usable_at_each_size(
    tmp_path: Path, tab: Tab, accounts: int
) -> None:
    rig = await crowd(tmp_path, accounts)
    async with served(rig) as url:
        await tab.open(f"{url}/library")
        image = await tab.evaluate("document.querySelector('.image h3 a').pathname")
        pages = {"library": "/library", "families": "/families", "image": image, "overview": "/"}
        pages["absent"] = "/library?q=skipped"
        await look(tab, url, f"{accounts}", pages)
        await _tab_through(tab, url, presses=22)


async def test_a_report_is_readable_at_each_size(tmp_path: Path, tab: Tab) -> None:
    rig = await crowd(tmp_path, 8)
    with closing(sqlite3.connect(rig.ledger)) as db:
        rig.path.joinpath("out.html").write_bytes(report(db, rig.config(), Filter(), 12, 1.0))
    await look(tab, f"file://{rig.path}", "report", {"all": "/out.html"})


async def test_pages_without_an_image_and_the_login_are_readable(tmp_path: Path, tab: Tab) -> None:
    rig = await crowd(tmp_path, 8, images=0)
    async with served(rig) as url:
        pages = {"library": "/library", "families": "/families", "overview": "/"}
        pages["search"] = "/library?q=summer&format=GIF&size=wrong"
        await look(tab, url, "empty", pages)
    async with served(rig, "right") as url:
        await look(tab, url, "locked", {"login": "/login"})


async def test_a_session_in_a_browser(library: Rig, tab: Tab) -> None:
    """The password opens it and is in no address; going back after its end shows nothing."""

    async def log_in(password: str) -> None:
        await tab.until("document.getElementById('password')")
        await tab.evaluate(f"document.getElementById('password').value = {password!r}")
        await tab.evaluate("document.querySelector('form.login').requestSubmit()")

    async with served(library, "right password") as url:
        await tab.call("Page.navigate", url=f"{url}/library")
        await tab.until("location.pathname === '/login' && document.readyState === 'complete'")
        await log_in("wrong password")
        await tab.until("document.querySelector('[role=alert]')")
        assert [one for one in tab.errors if "403" not in one] == []
        tab.errors.clear()
        await log_in("right password")
        await tab.until("location.pathname === '/' && document.readyState === 'complete'")
        assert await tab.evaluate("document.cookie") == "", "no script can read it"
        await tab.open(f"{url}/library")
        assert await tab.evaluate("document.querySelectorAll('.image').length") == 60
        await tab.evaluate("document.querySelector('.logout').requestSubmit()")
        await tab.until("location.pathname === '/login' && document.readyState === 'complete'")
        await tab.evaluate("history.back()")
        await tab.until("document.readyState === 'complete' && document.getElementById('password')")
        assert await tab.evaluate("document.querySelectorAll('.image').length") == 0
        assert not [one for one in tab.requested if "password" in one]
        assert await tab.evaluate("sessionStorage.length + localStorage.length") == 0
