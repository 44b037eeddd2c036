"""The pages in a real browser: search, marks, copies, more pages, keys."""

from pathlib import Path

import pytest
from support.chromium import Tab, browser, required
from support.rig import Rig
from support.web_library import MARKUP, served

pytestmark = [required, pytest.mark.browser]

CLIPBOARD = ["clipboardReadWrite", "clipboardSanitizedWrite"]
CARDS = "document.querySelectorAll('.image').length"
AT = "document.querySelector('.image.at h3')?.textContent"


async def copied(tab: Tab) -> str:
    return str(await tab.evaluate("navigator.clipboard.readText()"))


async def test_a_visit_without_errors_and_without_other_servers(
    library: Rig, tmp_path: Path
) -> None:
    async with served(library) as url, browser(tmp_path / "profile") as tab:
        await tab.call("Browser.grantPermissions", permissions=CLIPBOARD)
        await _page(tab, url)
        await _go_back(tab)
        await _search(tab)
        await _copy(tab)
        await _mark(tab, url)
        await _use_keys(tab, url)
        await _read_hostile_names(tab, url)
        await _lose_the_server(tab, url)
        await _mark_too_many(tab)
        assert tab.errors == []
        assert tab.requested
        assert [one for one in tab.requested if not one.startswith((url, "data:"))] == []


async def _page(tab: Tab, url: str) -> None:
    await tab.open(f"{url}/library")
    assert await tab.evaluate(CARDS) == 60
    await tab.evaluate("document.getElementById('more').click()")
    await tab.until(f"{CARDS} === 89")
    assert await tab.evaluate("document.getElementById('end').textContent") == "That is all."
    await tab.until("[...document.images].slice(0, 5).every((one) => one.naturalWidth > 0)")


async def _go_back(tab: Tab) -> None:
    """Open an image of the second page, and go back: that page is shown again, as far down."""
    opened = "[...document.querySelectorAll('.image h3 a')].at(-1)"
    await tab.evaluate(f"{opened}.scrollIntoView()")
    down = await tab.evaluate("scrollY")
    assert down > 0
    await tab.evaluate(f"{opened}.click()")
    await tab.until("location.pathname.startsWith('/image/') && document.readyState === 'complete'")
    await tab.evaluate("history.back()")
    await tab.until(f"location.pathname === '/library' && {CARDS} === 89 && scrollY === {down}")


async def _search(tab: Tab) -> None:
    await tab.evaluate("document.getElementById('q').value = 'summer'")
    await tab.evaluate("document.querySelector('select[name=account]').value = 'eu'")
    await tab.evaluate("document.querySelector('form.search').requestSubmit()")
    await tab.until("location.search.includes('q=summer') && document.readyState === 'complete'")
    assert await tab.evaluate(CARDS) == 3


async def _copy(tab: Tab) -> None:
    await tab.evaluate("document.querySelector('[data-copy]').click()")
    await tab.until("document.querySelector('[data-copy]').textContent === 'Copied'")
    shown = await tab.evaluate("document.querySelector('.chips code').textContent")
    assert await copied(tab) == shown
    assert await tab.evaluate("document.getElementById('said').textContent") == "Copied"
    await tab.until("document.querySelector('[data-copy]').textContent === 'Copy'")
    await tab.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    await tab.evaluate("document.querySelector('[data-copy]').click()")
    await tab.until("document.querySelector('[data-copy]').textContent === 'Not copied'")


async def _mark(tab: Tab, url: str) -> None:
    """Mark images of two pages, and copy their hashes in one account."""
    await tab.evaluate("document.querySelector('.image input').click()")
    hashes = [await tab.evaluate("document.querySelector('code[data-account=eu]').textContent")]
    await tab.open(f"{url}/library?q=winter&account=eu")
    await tab.until("document.getElementById('marked').textContent === '1 marked'")
    await tab.evaluate("document.querySelector('.image input').click()")
    hashes += [await tab.evaluate("document.querySelector('code[data-account=eu]').textContent")]
    await tab.evaluate("document.getElementById('copy-marked').click()")
    await tab.until("document.getElementById('copy-marked').textContent === 'Copied 2'")
    assert (await copied(tab)).splitlines() == hashes
    saved = "new FormData(document.getElementById('selection')).getAll('image').length"
    assert await tab.evaluate(saved) == 2
    await tab.evaluate("document.getElementById('clear').click()")
    assert await tab.evaluate("document.querySelectorAll('.image input:checked').length") == 0


async def _use_keys(tab: Tab, url: str) -> None:
    await tab.open(f"{url}/library?q=summer")
    await tab.press("j")
    first = await tab.evaluate(AT)
    await tab.press("ArrowRight")
    assert await tab.evaluate(AT) != first
    await tab.press("k")
    assert await tab.evaluate(AT) == first
    await tab.press("x")
    assert await tab.evaluate("document.querySelectorAll('.image input:checked').length") == 1
    await tab.press("x")
    await tab.press("c")
    await tab.until("document.querySelector('[data-copy]').textContent === 'Copied'")
    await tab.evaluate("document.querySelectorAll('.image')[1].querySelector('button').focus()")
    await tab.press("j")
    assert await tab.evaluate(AT) == await tab.evaluate(
        "document.querySelectorAll('.image h3')[2].textContent"
    )
    await tab.press("m")
    await tab.press("?")
    assert await tab.evaluate("document.getElementById('keys').open")
    await tab.press("/")
    assert await tab.evaluate("document.activeElement.id") == "q"
    await tab.press("j")
    assert await tab.evaluate("document.getElementById('q').value.includes('j')")


async def _read_hostile_names(tab: Tab, url: str) -> None:
    await tab.open(f"{url}/library?q=onerror")
    assert await tab.evaluate("document.querySelector('.image h3').textContent") == MARKUP
    await tab.evaluate("document.querySelector('.image h3 a').click()")
    await tab.until("location.pathname.startsWith('/image/') && document.querySelector('h1')")
    assert await tab.evaluate("document.querySelector('h1').textContent") == MARKUP
    assert await tab.evaluate("document.querySelectorAll('img').length") == 1


async def _lose_the_server(tab: Tab, url: str) -> None:
    """Ask for more images while the server does not respond, and then again."""
    await tab.open(f"{url}/library")
    await tab.evaluate(
        "[window.sent, window.fetch] = [fetch, () => Promise.reject(new TypeError())]"
    )
    await tab.press("m")
    await tab.until("document.getElementById('more').textContent.startsWith('Not loaded')")
    await tab.evaluate("window.fetch = window.sent")
    await tab.press("m")
    await tab.until(f"{CARDS} === 89")


async def _mark_too_many(tab: Tab) -> None:
    """Mark an image for which the browser has no room."""
    await tab.evaluate("sessionStorage.setItem('other', 'x'.repeat(5 * 2 ** 20 - 50))")
    await tab.evaluate("document.querySelector('.image input').click()")
    await tab.until(
        "document.getElementById('marked').textContent.startsWith('1 marked, on this page only')"
    )
    assert await tab.evaluate("document.querySelector('.image input').checked")
