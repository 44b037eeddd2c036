"""Meta's SDK for Node works with the sandbox: `bytes`, copies, creatives, ads and deletions."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.pictures import picture

from syncd.sandbox.server import Sandbox

SOURCES = Path(__file__).parents[2] / "support" / "node_sdk"
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH")
"""The errors of npm for a registry that cannot be reached."""


@pytest.fixture(scope="module")
def node_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the SDK by the lock file, and return the path of the script that uses it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NOT TESTED: the SDK for Node; node and npm are not installed")
    directory = tmp_path_factory.mktemp("node_sdk")
    for file in SOURCES.iterdir():
        shutil.copy(file, directory)
    command = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=120
    )
    if any(error in installed.stderr for error in UNREACHABLE):
        pytest.skip("NOT TESTED: the SDK for Node; the registry of npm cannot be reached")
    assert installed.returncode == 0, installed.stderr
    return directory / "calls.cjs"


@pytest.mark.node
async def test_the_node_sdk_uploads_copies_uses_and_deletes_an_image(
    sandbox: Sandbox, node_sdk: Path
) -> None:
    text = base64.b64encode(picture(1)).decode()
    process = await asyncio.create_subprocess_exec(
        "node", node_sdk, sandbox.url, sandbox.token, text,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found = json.loads(out)

    (image,) = sandbox.library.images("2")
    assert found["uploaded"] == found["copied"] == image.hash
    assert sandbox.library.images("1") == []
    (ad,) = sandbox.creatives.ads_in("2")
    assert (found["ad"], ad.status) == (ad.id, "PAUSED")
    assert [one["status"] for one in found["ads"]] == ["PAUSED"]
    assert found["images"] == [
        {
            "id": image.id,
            "hash": image.hash,
            "name": "bytes",
            "status": "ACTIVE",
            "creatives": [found["creative"]],
            "is_associated_creatives_in_adgroups": True,
        }
    ]
    assert found["refused"] == 100
    assert sandbox.counts.calls("1", "upload") == sandbox.counts.calls("2", "copy") == 1
