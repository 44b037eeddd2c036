"""`syncd images download`: names, checks, and files that exist already."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.http_server import Server, serving
from support.image_commands import ImageCommands, Outcome
from support.pictures import picture
from support.rig import Rig

from syncd.model import ImageHash
from syncd.operations.downloads import file_names
from syncd.sandbox.calls import Call
from syncd.sandbox.outcomes import Outcome as SandboxOutcome
from syncd.sandbox.pictures import white
from syncd.sandbox.values import Image
from syncd.sandbox.wire import ResponseHook

MISSING = "f" * 32


@pytest.fixture
def images(rig: Rig) -> ImageCommands:
    return ImageCommands(rig)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    path = tmp_path / "to"
    path.mkdir()
    return path


def hold(rig: Rig, number: int, name: str = "a.png") -> Image:
    return rig.sandbox.hold("1", name, picture(number))


def lists_urls_of(cdn: Server, url: str) -> ResponseHook:
    """Let the account list images with URLs of another server."""

    async def changed(_: Call, outcome: SandboxOutcome) -> SandboxOutcome:
        return replace(outcome, body=outcome.body.replace(url.encode(), cdn.url.encode()))

    return changed


async def download(images: ImageCommands, to: Path, *hashes: str) -> Outcome:
    return await images("download", *hashes, "--account", "main", "--to", str(to), "--json")


async def test_an_image_is_downloaded_under_its_name_and_no_other_file_is_left(
    rig: Rig, images: ImageCommands, to: Path
) -> None:
    image = hold(rig, 1)
    done = await download(images, to, image.hash)
    (row,) = done.rows
    assert (done.code, row["state"], row["file"]) == (0, "downloaded", str(to / "a.png"))
    assert os.listdir(to) == ["a.png"]
    assert (to / "a.png").read_bytes().startswith(b"\x89PNG")


async def test_a_file_is_never_overwritten(rig: Rig, images: ImageCommands, to: Path) -> None:
    image = hold(rig, 1)
    (to / "a.png").write_bytes(b"mine")
    marked = to / f"a-{image.hash[:8]}.png"
    for state in ("downloaded", "there before"):
        done = await download(images, to, image.hash)
        assert [(row["file"], row["state"]) for row in done.rows] == [(str(marked), state)]
    assert (to / "a.png").read_bytes() == b"mine"
    table = await images("download", image.hash, "--account", "main", "--to", str(to))
    assert table.out.splitlines()[1].split("  ")[1] == "there before"
    marked.write_bytes(b"mine, too")
    (to / f"a-{image.hash}.png").symlink_to(to / "nowhere")
    done = await download(images, to, image.hash)
    assert done.code == 1
    assert "other files with each of its names" in done.err
    assert not (to / "nowhere").exists()


async def test_an_expired_url_is_replaced_by_the_permanent_one(
    rig: Rig, images: ImageCommands, to: Path
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, url_lifetime=-1.0)
    assert (await download(images, to, hold(rig, 1).hash)).code == 0


def response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (response(white(41, 30)), "41x30 pixels, and the account lists 40x30"),
        (response(picture(1)[:-200]), "not a complete image"),
        (response(b"<svg>"), "an SVG drawing"),
        (response(b"", "403 Forbidden"), "HTTP 403"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "closed"),
    ],
)
async def test_a_download_that_is_not_the_image_is_not_written(
    rig: Rig, images: ImageCommands, to: Path, sent: bytes, why: str
) -> None:
    async with serving() as cdn:
        cdn.response = sent
        rig.sandbox.on_response = lists_urls_of(cdn, rig.sandbox.url)
        done = await download(images, to, hold(rig, 1).hash)
    assert done.code == 1
    assert why in done.err
    assert os.listdir(to) == []


async def test_a_download_does_not_send_the_token_to_the_host_of_its_url(
    rig: Rig, images: ImageCommands, to: Path
) -> None:
    async with serving() as cdn:
        cdn.response = response(picture(1))
        rig.sandbox.on_response = lists_urls_of(cdn, rig.sandbox.url)
        done = await download(images, to, hold(rig, 1).hash)
    assert done.code == 0
    assert (to / "a.jpg").read_bytes() == picture(1)
    (request,) = cdn.requests
    assert request.header("Authorization") == []
    assert rig.sandbox.token not in request.line


async def test_an_image_that_the_account_does_not_list_does_not_stop_the_others(
    rig: Rig, images: ImageCommands, to: Path
) -> None:
    done = await download(images, to, MISSING, hold(rig, 1).hash)
    assert (done.code, [row["state"] for row in done.rows]) == (3, ["failed", "downloaded"])


@pytest.mark.parametrize(
    ("name", "extension", "first"),
    [
        ("a.jpg", ".jpg", "a.jpg"),
        ("a.JPEG", ".jpg", "a.JPEG"),
        ("a.png", ".jpg", "a.jpg"),
        ("../../etc/a.jpg", ".jpg", "_._.._etc_a.jpg"),
        (".hidden.jpg", ".jpg", "_hidden.jpg"),
        ("bytes", ".png", "bytes.png"),
        ("a\nb\x1b[31m.jpg", ".jpg", "a_b_[31m.jpg"),
        ("\N{BEER MUG}" * 90 + ".jpg", ".jpg", "\N{BEER MUG}" * 59 + ".jpg"),
        ("", ".jpg", "_.jpg"),
    ],
)
def test_the_name_of_a_download_is_safe(name: str, extension: str, first: str) -> None:
    names = list(file_names(name, ImageHash("0123456789abcdef"), extension))
    assert names[0] == first
    assert names[1].endswith(f"-01234567.{names[0].rpartition('.')[2]}")
    assert all("/" not in one and len(one.encode()) <= 255 for one in names)
