"""The curl commands of the reference pages work with the sandbox, run by curl itself.

URL, token, account, hashes and files are replaced. Three commands cannot work as they are printed:
the pages of v2.11 and later delete without a hash, and those of 2013 use JSON that is not valid.
"""

import asyncio
import base64
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.pictures import picture

from syncd.sandbox.server import Sandbox

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None, reason="NOT TESTED: the commands for curl; it is not installed"
)


class Line(NamedTuple):
    """A command without `curl`; `expected` is a field of the response, or the error's code."""

    arguments: tuple[str, ...]
    path: str
    expected: str | int


TOKEN = "access_token={token}"
QUERY_TOKEN = "?access_token={token}"
CREATIVE = '{"title":"t","body":"b","object_url":"http:\\/\\/www.test.com","image_hash":"{held}"}'
OF_2013 = "{'title':'t','body':'b','link_url':'http:\\/\\/www.test.com','image_hash':'{held}'}"
WITH_FILE = (
    '{"title":"t","body":"b","object_url":"http:\\/\\/www.test.com","image_file":"test.jpg"}'
)

LINES: dict[str, Line] = {
    "bytes": Line(("-F", "bytes={bytes}", "-F", TOKEN), "v25.0/act_1/adimages", "images"),
    "an ad with a file": Line(
        (
            "-F", "campaign_id=5", "-F", f"creative={WITH_FILE}", "-F", "test.jpg=@test.jpg",
            "-F", "name=My ad", "-F", TOKEN,
        ),
        "v25.0/act_1/ads",
        "id",
    ),
    "a copy": Line(
        ("-F", 'copy_from={"source_account_id":"2", "hash":"{other}"}', "-F", TOKEN),
        "v25.0/act_1/adimages",
        "images",
    ),
    "v2.11: a file": Line(
        ("-F", "filename=@test.jpg", "-F", TOKEN), "v2.11/act_1/adimages", "images"
    ),
    "v2.10: a zip": Line(
        ("-F", "filename=@test.zip", "-F", TOKEN), "v2.10/act_1/adimages", "images"
    ),
    "v2.11: an ad with a hash": Line(
        (
            "-F", "name=My Ad", "-F", "adset_id=5", "-F", f"creative={CREATIVE}",
            "-F", "status=PAUSED", "-F", TOKEN,
        ),
        "v2.11/act_1/ads",
        "id",
    ),
    "v2.11: a list": Line(("-G", "-d", TOKEN), "v2.11/act_1/adimages", "data"),
    "v2.11: a list by hashes": Line(
        ("-G", "-d", 'hashes=["{held}","{other}"]', "-d", TOKEN), "v2.11/act_1/adimages", "data"
    ),
    "v2.11: a deletion without a hash": Line(
        ("-X", "DELETE", "-d", TOKEN), "v2.11/act_1/adimages", 100
    ),
    "a deletion": Line(
        ("-X", "DELETE", "-d", "hash={held}", "-d", TOKEN), "v25.0/act_1/adimages", "success"
    ),
    "2013: a zip": Line(("-F", "test.zip=@test.zip"), f"act_1/adimages{QUERY_TOKEN}", "images"),
    "2013: a file": Line(("-F", "test.jpg=@test.jpg"), f"act_1/adimages{QUERY_TOKEN}", "images"),
    "2013: a list by hashes": Line(
        ("-G", "-d", 'hashes=["{held}"]'), f"act_1/adimages{QUERY_TOKEN}", "data"
    ),
    "2013: an ad group": Line(
        ("-F", "campaign_id=5", "-F", f"creative={OF_2013}", "-F", "name=adgroupname"),
        f"act_1/adgroups{QUERY_TOKEN}",
        100,
    ),
    "2013: a copy": Line(
        ("-F", TOKEN, "-F", 'copy_from=["source_account_id":2, "hash":"{other}"]'),
        "act_1/adimages",
        100,
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
async def test_a_command_of_the_reference_pages_has_its_response(
    sandbox: Sandbox, tmp_path: Path, line: str
) -> None:
    held = sandbox.hold("1", "held.jpg", picture(7))
    values = {
        "token": sandbox.token,
        "bytes": base64.b64encode(picture(1)).decode(),
        "held": held.hash,
        "other": sandbox.hold("2", "other.jpg", picture(8)).hash,
    }
    (tmp_path / "test.jpg").write_bytes(picture(1))
    with zipfile.ZipFile(tmp_path / "test.zip", "w") as archive:
        for n in range(2):
            archive.writestr(f"{n}.jpg", picture(n))
    arguments, path, expected = LINES[line]
    answer = await curl(
        sandbox.url,
        *(filled(one, values) for one in arguments),
        path=filled(path, values),
        cwd=tmp_path,
    )
    if isinstance(expected, int):
        assert answer["error"]["code"] == expected
        assert sandbox.library.images("1") == [held]
    else:
        assert answer[expected]


async def test_the_image_of_an_uploaded_ad_is_in_the_library(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "test.jpg").write_bytes(picture(1))
    arguments, path, _ = LINES["an ad with a file"]
    values = {"token": sandbox.token}
    answer = await curl(
        sandbox.url, *(filled(one, values) for one in arguments), path=path, cwd=tmp_path
    )
    (image,) = sandbox.library.images("1")
    assert image.name == "test.jpg"
    assert sandbox.creatives.is_advertised(image)
    assert [ad.id for ad in sandbox.creatives.ads_in("1")] == [answer["id"]]


def filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def curl(url: str, *arguments: str, path: str, cwd: Path) -> Any:
    process = await asyncio.create_subprocess_exec(
        "curl", "-q", "--silent", "--show-error", "--noproxy", "*", *arguments, f"{url}/{path}",
        cwd=cwd, env={"PATH": os.environ["PATH"]}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    return json.loads(out)
