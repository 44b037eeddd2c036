"""Commands, and an image whose file returned after its DELETE was sent: it is not held yet."""

import json
import time
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.ledger.file import changing
from syncd.sandbox.server import Sandbox

CONTENT = picture(1)
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
async def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """Return a folder with one image, which its account holds."""
    rig = Rig(tmp_path, sandbox, per_folder='deletions = "propagate"', timeout="1s")
    rig.write("a.jpg", CONTENT)
    await rig.backfill()
    assert state(rig) == "held"
    return rig


def state(rig: Rig) -> str:
    ((found,),) = rig.rows("SELECT state FROM replicas")
    return str(found)


def make_unconfirmed(rig: Rig, *, sent_again: bool) -> None:
    """Let the ledger be as after a DELETE whose file has returned."""
    with changing(rig.ledger) as db:
        db.execute("UPDATE replica SET delete_sent_at = ?, resent_at = ?", (time.time(),) * 2)
        if not sent_again:
            db.execute("UPDATE replica SET resent_at = NULL, hash = NULL")


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def test_status_counts_an_unconfirmed_image_as_missing(rig: Rig) -> None:
    for sent_again in (True, False):
        make_unconfirmed(rig, sent_again=sent_again)
        account = json.loads((await command(rig, "status", "--json")).out)["accounts"]["main"]
        assert (account["held"], account["missing"]) == (0, 1)


async def test_find_names_the_new_hash_of_an_unconfirmed_image(rig: Rig) -> None:
    image_hash = rig.recorded(CONTENT)
    assert image_hash is not None
    make_unconfirmed(rig, sent_again=True)
    for name in (DIGEST, image_hash, str(rig.folder / "a.jpg")):
        ended = await command(rig, "find", name)
        assert ended.code == 0
        assert f"main: sent again as {image_hash}" in ended.out
        assert "to be confirmed" in ended.out


async def test_find_reports_an_image_that_was_not_sent_again_as_missing(rig: Rig) -> None:
    make_unconfirmed(rig, sent_again=False)
    ended = await command(rig, "find", DIGEST)
    assert "main: missing: its deletion was under way" in ended.out


async def test_a_backfill_ends_only_once_an_unconfirmed_image_is_confirmed(rig: Rig) -> None:
    for sent_again in (True, False):
        make_unconfirmed(rig, sent_again=sent_again)
        await rig.backfill()
        assert state(rig) == "held"
        assert rig.holds(CONTENT)
