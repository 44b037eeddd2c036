"""`syncd ads create`: what the account has afterwards, and what the ledger records."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.rig import Rig
from typer.testing import CliRunner, Result

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.ledger.file import connect_writer
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome

CREATIVE = {"title": "t", "object_url": "https://www.example.com"}


@pytest.fixture
def with_ledger(rig: Rig) -> Rig:
    rig.write_config()
    with closing(connect_writer(rig.ledger)):
        pass
    return rig


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hero.jpg"
    path.write_bytes(picture(1))
    return path


async def create(rig: Rig, *words: object, creative: object = CREATIVE) -> Result:
    described = rig.path / "creative.json"
    described.write_text(creative if isinstance(creative, str) else json.dumps(creative))
    command: list[object] = ["ads", "create", "--account", "main", "--adset", "5"]
    command += ["--name", "My ad", "--creative", described, *words]
    command += ["--config", rig.path / "config.toml"]
    runner = CliRunner(env={"SYNCD_TEST_TOKEN": rig.sandbox.token, "COLUMNS": "200"})
    return await asyncio.to_thread(runner.invoke, app, [str(word) for word in command])


def failure(ended: Result) -> str:
    """Return why no ad was created, from the JSON."""
    printed = json.loads(ended.stdout)
    assert printed["id"] is None
    return str(printed["why"])


def ads(rig: Rig) -> list[Any]:
    return [(ad.id, ad.name, ad.adset, ad.status) for ad in rig.sandbox.creatives.ads_in("1")]


async def test_a_paused_ad_is_created_of_an_image_of_the_account(with_ledger: Rig) -> None:
    image = with_ledger.sandbox.hold("1", "a.jpg", picture(1))
    ended = await create(with_ledger, "--hash", image.hash)
    assert ended.exit_code == Exit.DONE, ended.output
    assert ads(with_ledger) == [(ended.stdout.strip(), "My ad", "5", "PAUSED")]
    assert with_ledger.sandbox.creatives.is_advertised(image)
    assert with_ledger.rows("SELECT points FROM api_call") == [(3,)]
    assert with_ledger.rows("SELECT calls, throttled FROM activity") == [(1, 0)]


async def test_an_image_is_uploaded_with_the_ad_and_kept(with_ledger: Rig, file: Path) -> None:
    ended = await create(with_ledger, "--image", file, "--json")
    assert ended.exit_code == Exit.DONE, ended.output
    (image,) = with_ledger.sandbox.library.images("1")
    made = json.loads(ended.stdout)
    assert made == {"id": ads(with_ledger)[0][0], "status": "PAUSED", "hash": image.hash}
    assert image.name == "hero.jpg"
    assert with_ledger.sandbox.creatives.is_advertised(image)
    assert with_ledger.recorded(picture(1)) == image.hash
    assert with_ledger.rows("SELECT reason FROM kept") == [("by_hand",)]
    assert with_ledger.sandbox.counts.calls("1", "upload") == 0, "the ad carries the file"


@pytest.mark.parametrize(
    ("words", "creative"),
    [
        (("--status", "active"), CREATIVE),
        ((), CREATIVE | {"status": "ACTIVE"}),
        ((), {"object_story_spec": {"link_data": {"status": "ACTIVE"}}}),
    ],
)
async def test_an_ad_that_is_not_paused_needs_a_permission(
    with_ledger: Rig, words: tuple[str, ...], creative: dict[str, Any]
) -> None:
    image = with_ledger.sandbox.hold("1", "a.jpg", picture(1))
    ended = await create(with_ledger, "--hash", image.hash, *words, creative=creative)
    assert ended.exit_code == Exit.USAGE
    assert "allow that by --active" in ended.stderr
    assert with_ledger.sandbox.counts.calls("1") == 0
    ended = await create(with_ledger, "--hash", image.hash, *words, "--active", creative=creative)
    assert ended.exit_code == Exit.DONE, ended.output
    status = "ACTIVE" if words else "PAUSED"
    assert [ad[-1] for ad in ads(with_ledger)] == [status]


async def test_an_ad_is_not_created_twice_when_the_result_is_unknown(with_ledger: Rig) -> None:
    image = with_ledger.sandbox.hold("1", "a.jpg", picture(1))

    async def reset(_: Call, outcome: Outcome) -> Outcome:
        return replace(outcome, delivery=Delivery.RESET)

    with_ledger.sandbox.on_response = reset
    ended = await create(with_ledger, "--hash", image.hash, "--json")
    assert ended.exit_code == Exit.NOT_ALL
    assert "whether the ad was created is unknown" in ended.stderr
    assert failure(ended).startswith("whether the ad was created is unknown")
    assert len(ads(with_ledger)) == 1


async def test_an_error_of_the_account_is_explained_and_ends_the_command(with_ledger: Rig) -> None:
    image = with_ledger.sandbox.hold("1", "a.jpg", picture(1))
    with_ledger.sandbox.faults.add(Fault("190/463", times=1))
    ended = await create(with_ledger, "--hash", image.hash, "--json")
    assert ended.exit_code == Exit.UNAVAILABLE
    assert "190/463" in ended.stderr
    assert "syncd token set" in ended.stderr
    assert failure(ended).startswith("190/463")
    unknown = await create(with_ledger, "--hash", "0" * 32, "--json")
    assert unknown.exit_code == Exit.NOT_ALL
    assert "the account has no such image" in unknown.stderr
    assert "the account has no such image" in failure(unknown)
    assert ads(with_ledger) == []


async def test_what_is_not_an_image_is_not_sent(with_ledger: Rig, tmp_path: Path) -> None:
    (tmp_path / "hero.jpg").write_text("not an image")
    for file in ("hero.jpg", "missing.jpg"):
        ended = await create(with_ledger, "--image", tmp_path / file, "--json")
        assert ended.exit_code == Exit.NOT_ALL
        assert "nothing was sent" in ended.stderr
        assert failure(ended).endswith("nothing was sent")
    assert with_ledger.sandbox.counts.calls("1") == 0


@pytest.mark.parametrize(
    ("words", "creative"),
    [
        ((), CREATIVE),
        (("--hash", "0123", "--image", "a.jpg"), CREATIVE),
        (("--hash", "not a hash"), CREATIVE),
        (("--hash", "0123"), "[]"),
        (("--hash", "0123"), "{"),
        (("--hash", "0123"), '{"a":' * 5000 + "1" + "}" * 5000),
    ],
)
async def test_wrong_usage_sends_nothing(
    with_ledger: Rig, words: tuple[str, ...], creative: object
) -> None:
    ended = await create(with_ledger, *words, creative=creative)
    assert ended.exit_code == Exit.USAGE
    assert with_ledger.sandbox.counts.calls("1") == 0


def carousel(*hashes: str) -> dict[str, Any]:
    cards = [{"image_hash": one} for one in hashes]
    return {"object_story_spec": {"link_data": {"child_attachments": cards}}}


async def test_an_image_is_not_uploaded_with_a_creative_that_names_another(
    with_ledger: Rig, file: Path
) -> None:
    other = with_ledger.sandbox.hold("1", "a.jpg", picture(2))
    ended = await create(with_ledger, "--image", file, creative=carousel(other.hash))
    assert with_ledger.recorded(picture(1)) is None, "the hash of the ad is that of the other image"
    assert ended.exit_code == Exit.USAGE
    assert other.hash in ended.stderr
    assert with_ledger.sandbox.counts.calls("1") == 0


async def test_a_hash_replaces_one_image_and_not_the_different_ones_of_a_carousel(
    with_ledger: Rig,
) -> None:
    first, second, new = (with_ledger.sandbox.hold("1", f"{n}", picture(n)) for n in range(3))
    images = carousel(first.hash, second.hash)
    ended = await create(with_ledger, "--hash", new.hash, creative=images)
    assert ended.exit_code == Exit.USAGE
    assert f"{first.hash}, {second.hash}" in ended.stderr
    assert with_ledger.sandbox.counts.calls("1") == 0
    images = carousel(first.hash, first.hash)
    ended = await create(with_ledger, "--hash", new.hash, creative=images)
    assert ended.exit_code == Exit.DONE, ended.output
