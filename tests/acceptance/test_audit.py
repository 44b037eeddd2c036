"""`syncd audit` as a command: what it finds, what it does about it, beside a daemon and alone."""

from dataclasses import replace

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.values import Image, ImageHash, Status

CONTENTS = [picture(i) for i in range(5)]


async def filled(rig: Rig) -> None:
    for i, content in enumerate(CONTENTS):
        rig.write(f"{i}.jpg", content)
    assert (await run(rig, "backfill")).code == 0


async def run(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


def image(rig: Rig, content: bytes) -> Image:
    given = rig.recorded(content)
    assert given is not None
    found = rig.sandbox.library.find("1", given)
    assert found is not None
    return found


def put(rig: Rig, image: Image) -> None:
    rig.sandbox.library._shelf(image.account).put(image)


async def test_an_account_as_it_should_be(rig: Rig) -> None:
    await filled(rig)
    ended = await run(rig, "audit")
    assert ended.code == 0, ended.err
    assert ended.out == "main: 5 images asked about: 0 gone, 0 renamed, 0 not active\n"
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_a_gone_image_is_missing_again_and_comes_back(rig: Rig) -> None:
    await filled(rig)
    rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
    ended = await run(rig, "audit")
    assert ended.code == 0, ended.err
    assert "1 gone" in ended.out
    assert "is missing again" in ended.out
    assert "image.lost" in ended.err
    assert "sent_again=true" in ended.err
    assert not rig.holds(CONTENTS[0])  # it tells and notes; whoever brings images brings it
    assert "1" in (await run(rig, "plan")).out
    assert (await run(rig, "backfill")).code == 0
    assert all(rig.holds(content) for content in CONTENTS)
    assert "0 gone" in (await run(rig, "audit")).out


async def test_a_gone_image_is_left_so_where_nothing_is_restored(rig: Rig) -> None:
    rig.toml = "[audit]\nrestore = false\n"
    await filled(rig)
    rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
    ended = await run(rig, "audit")
    assert "1 gone" in ended.out
    assert "is not sent again" in ended.out
    assert "sent_again=false" in ended.err
    await run(rig, "backfill")
    assert not rig.holds(CONTENTS[0])
    assert "removed from the account by hand" in (await run(rig, "status")).out
    assert (await run(rig, "retry", "--rejected")).code == 0
    assert (await run(rig, "backfill")).code == 0
    assert rig.holds(CONTENTS[0])


async def test_renamed_internal_and_unknown_images_are_told_and_let_be(rig: Rig) -> None:
    await filled(rig)
    renamed, internal = image(rig, CONTENTS[0]), image(rig, CONTENTS[1])
    put(rig, replace(renamed, name="by-hand.jpg"))
    put(rig, replace(internal, status=Status.INTERNAL))
    theirs = rig.sandbox.library.put(
        "1", replace(renamed.picture, hash=ImageHash("f" * 32)), "theirs.jpg"
    )
    before = rig.sandbox.library.everything("1")
    ended = await run(rig, "audit", "--everything")
    assert ended.code == 0, ended.err
    assert "0 gone, 1 renamed, 1 not active" in ended.out
    assert "6 there, 1 not syncd's" in ended.out
    assert f"theirs.jpg ({theirs.hash})" in ended.out
    assert "image.renamed" in ended.err
    assert "name=by-hand.jpg" in ended.err
    assert "image.inactive" in ended.err
    assert rig.sandbox.library.everything("1") == before
    again = await run(rig, "audit")  # what was said is not said again
    assert "image.renamed" not in again.err
    assert "image.inactive" not in again.err


async def test_beside_a_daemon_the_daemon_audits(rig: Rig) -> None:
    rig.toml = '[audit]\nevery = "10s"\n'
    await filled(rig)
    async with running(rig) as daemon:
        await until(lambda: daemon.said("scan.done"))
        rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
        ended = await run(rig, "audit", "--everything")
        assert ended.code == 0, ended.err
        assert "the running daemon audits" in ended.out
        await until(lambda: daemon.said("image.lost", "sent_again=true"))
        await until(lambda: daemon.said("audit.done", "total=", "unknown=0"))
        await until(lambda: rig.holds(CONTENTS[0]))
        assert await daemon.end() == 0


async def test_an_account_that_cannot_be_asked_makes_it_end_with_1(rig: Rig) -> None:
    await filled(rig)
    rig.sandbox.faults.add(Fault("190"))
    ended = await run(rig, "audit")
    assert ended.code == 1
    assert "main: not audited" in ended.out
    assert "Traceback" not in ended.err
    assert all(rig.recorded(content) is not None for content in CONTENTS)


@pytest.mark.parametrize("word", ["deletions", "audit"])
async def test_a_wrong_configuration_is_said_with_78(rig: Rig, word: str) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("[ledger]", "[leger]"))
    ended = await syncd(rig, word, "--config", str(file))
    assert ended.code == 78
    assert "leger" in ended.err
