"""`syncd web` as a process: where it serves, and when it refuses to start."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import aiohttp
from support.pictures import picture
from support.process import syncd
from support.rig import DEADLINE, Rig


@asynccontextmanager
async def serving(rig: Rig, **environ: str) -> AsyncIterator[str]:
    """Run `syncd web` at a free port; yield the URL. Its log is in the file `web.log`."""
    with (rig.path / "web.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "syncd", "web", "--listen", "127.0.0.1:0"),
            *("--config", str(rig.write_config())),
            env={**rig.environ, **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("the library is at http://127.0.0.1:")
        yield line.split()[-1].rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            assert await process.wait() == 0


async def test_pages_are_served_next_to_a_ledger_until_the_process_is_stopped(rig: Rig) -> None:
    rig.write("a.png", b"not a picture")
    await syncd(rig, "backfill", "--config", str(rig.write_config()))
    async with (
        serving(rig) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/") as response,
    ):
        assert response.status == 200
        assert "syncd is not running" in await response.text()


async def test_without_pillow_the_pages_have_placeholders_and_name_what_to_install(
    rig: Rig,
) -> None:
    """Pillow is hidden by a package of its name that comes first and cannot be imported."""
    hidden = rig.path / "hidden" / "PIL"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('hidden')")
    rig.write("a.png", picture(1, "PNG"))
    await syncd(rig, "backfill", "--config", str(rig.write_config()))
    rig.toml = '[web]\ntoken = { env = "WEB_PASSWORD" }\n[log]\nformat = "json"'
    environ = {"PYTHONPATH": str(hidden.parent), "WEB_PASSWORD": "right"}
    jar = aiohttp.CookieJar(unsafe=True)  # it keeps the cookies of an IP address
    async with (
        serving(rig, **environ) as url,
        aiohttp.ClientSession(url, cookie_jar=jar) as session,
    ):
        for password, status in (("wrong", 403), ("right", 200)):
            async with session.post("/login", data={"password": password}) as response:
                assert response.status == status
        async with session.get("/library") as response:
            page = await response.text()
        assert "pip install 'syncd[web]'" in unescape(page)
        (address,) = re.findall(r'<img src="([^"]*)"', page)
        async with session.get(address) as response:
            assert (response.status, response.content_type) == (200, "image/svg+xml")
    (record,) = map(json.loads, (rig.path / "web.log").read_text().splitlines())
    assert (record["event"], record["client"]) == ("web.rejected", "127.0.0.1")
    out, config = str(rig.path / "out.html"), str(rig.path / "config.toml")
    under = ("env", f"PYTHONPATH={hidden.parent}", "WEB_PASSWORD=right")
    ended = await syncd(rig, "report", out, "--config", config, under=under)
    assert "without pictures: run pip install 'syncd[web]'" in ended.out


async def test_an_address_that_others_reach_needs_a_password(rig: Rig) -> None:
    config = str(rig.write_config())
    ended = await syncd(rig, "web", "--listen", "0.0.0.0:8780", "--config", config)
    assert ended.code == 78
    assert "[web] has no password" in ended.err
    rig.toml = '[web]\nlisten = "0.0.0.0:8781"'
    ended = await syncd(rig, "web", "--config", str(rig.write_config()))
    assert (ended.code, "0.0.0.0:8781 can be reached by others" in ended.err) == (78, True)
    rig.toml = '[web]\ntoken = { file = "/nonexistent/password" }'
    ended = await syncd(rig, "web", "--config", str(rig.write_config()))
    assert ended.code == 78
    assert "/nonexistent/password does not exist" in ended.err


async def test_a_wrong_address_is_wrong_usage(rig: Rig) -> None:
    for address in ("nowhere", "localhost:1", "/run/web.sock", "127.0.0.1:99999"):
        ended = await syncd(rig, "web", "--listen", address, "--config", str(rig.write_config()))
        assert ended.code == 2, ended
        assert ended.err.startswith("syncd: --listen: "), ended


async def test_a_report_is_one_file_with_pictures_hashes_and_names_as_text(rig: Rig) -> None:
    for number in range(3):
        rig.write(f"<i>{number}.png", picture(number, "PNG"))
    config = str(rig.write_config())
    await syncd(rig, "backfill", "--config", config)
    out = rig.path / "out.html"
    ended = await syncd(rig, "report", str(out), "--limit", "2", "--config", config)
    assert (ended.code, ended.err) == (0, "")
    text = out.read_text()
    assert re.findall(r"<h3><bdi>([^<]*)", text) == ["&lt;i&gt;2.png", "&lt;i&gt;1.png"]
    assert re.findall(r' src="([^,]*)', text) == ["data:image/webp;base64"] * 2
    assert " href=" not in text
    assert str(rig.recorded(picture(2, "PNG"))) in text
    for words in (("--account", "x"), ("--folder", "x")):
        ended = await syncd(rig, "report", str(out), *words, "--config", config)
        assert ended.code == 2
