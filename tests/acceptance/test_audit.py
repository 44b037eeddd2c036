"""The command `syncd audit`: its findings and their consequences, with and without a daemon."""

from dataclasses import replace

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.values import Image, ImageHash, Status

CONTENTS = [picture(i) for i in range(5)]


async def upload_all(rig: Rig) -> None:
    for i, content in enumerate(CONTENTS):
        rig.write(f"{i}.jpg", content)
    assert (await run(rig, "backfill")).code == 0


async def run(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


def image(rig: Rig, content: bytes) -> Image:
    hash_ = rig.recorded(content)
    assert hash_ is not None
    found = rig.sandbox.library.find("1", hash_)
    assert found is not None
    return found


def put(rig: Rig, image: Image) -> None:
    rig.sandbox.library.put(image)


async def test_an_audit_of_an_account_in_sync_finds_nothing(rig: Rig) -> None:
    await upload_all(rig)
    ended = await run(rig, "audit")
    assert ended.code == 0, ended.err
    assert ended.out == "main: 5 images checked: 0 gone, 0 renamed, 0 not active\n"
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_an_image_deleted_in_the_account_is_missing_and_uploaded_again(rig: Rig) -> None:
    await upload_all(rig)
    rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
    ended = await run(rig, "audit")
    assert ended.code == 0, ended.err
    assert "1 gone" in ended.out
    assert "are missing again" in ended.out
    assert "image.lost" in ended.err
    assert "sent_again=true" in ended.err
    assert not rig.holds(CONTENTS[0])  # an audit does not upload; the next backfill does
    assert "1" in (await run(rig, "plan")).out
    assert (await run(rig, "backfill")).code == 0
    assert all(rig.holds(content) for content in CONTENTS)
    assert "0 gone" in (await run(rig, "audit")).out


async def test_an_image_deleted_in_the_account_stays_deleted_without_restore(rig: Rig) -> None:
    rig.toml = "[audit]\nrestore = false\n"
    await upload_all(rig)
    rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
    ended = await run(rig, "audit")
    assert "1 gone" in ended.out
    assert "are not sent again" in ended.out
    assert "sent_again=false" in ended.err
    await run(rig, "backfill")
    assert not rig.holds(CONTENTS[0])
    assert "removed from the account by hand" in (await run(rig, "status")).out
    assert (await run(rig, "retry", "--rejected")).code == 0
    assert (await run(rig, "backfill")).code == 0
    assert rig.holds(CONTENTS[0])


async def test_renamed_inactive_and_unknown_images_are_reported_and_kept(rig: Rig) -> None:
    await upload_all(rig)
    renamed, internal = image(rig, CONTENTS[0]), image(rig, CONTENTS[1])
    put(rig, replace(renamed, name="by-hand.jpg"))
    put(rig, replace(internal, status=Status.INTERNAL))
    theirs = rig.sandbox.library.add(
        "1", replace(renamed.picture, hash=ImageHash("f" * 32)), "theirs.jpg"
    )
    before = rig.sandbox.library.everything("1")
    ended = await run(rig, "audit", "--everything")
    assert ended.code == 0, ended.err
    assert "0 gone, 1 renamed, 1 not active" in ended.out
    assert "6 in the account, 1 unknown to syncd" in ended.out
    assert f"theirs.jpg ({theirs.hash})" in ended.out
    assert "image.renamed" in ended.err
    assert "name=by-hand.jpg" in ended.err
    assert "image.inactive" in ended.err
    assert rig.sandbox.library.everything("1") == before
    again = await run(rig, "audit")  # each finding is logged once
    assert "image.renamed" not in again.err
    assert "image.inactive" not in again.err


async def test_a_mass_change_is_recorded_only_once_the_operator_confirms_it(rig: Rig) -> None:
    await upload_all(rig)
    assert (await run(rig, "audit", "--accept", "main")).code == 1  # nothing is suspect
    ended = await run(rig, "audit", "--accept", "mian")
    assert (ended.code, "did you mean main?" in ended.err) == (2, True)
    for content in CONTENTS:
        rig.sandbox.library.remove("1", image(rig, content).hash)
    ended = await run(rig, "audit")
    assert ended.code == 1
    assert "5 images of one response are gone at once" in ended.out
    assert "audit.suspect" in ended.err
    assert "syncd audit --accept main" in (await run(rig, "status")).out
    assert all(rig.recorded(content) for content in CONTENTS)
    ended = await run(rig, "audit", "--accept", "main")
    assert ended.code == 0, ended.err
    assert "5 gone" in ended.out
    assert "needs you" not in (await run(rig, "status")).out
    assert (await run(rig, "backfill")).code == 0
    assert all(rig.holds(content) for content in CONTENTS)


async def test_a_running_daemon_carries_out_the_audit(rig: Rig) -> None:
    rig.toml = '[audit]\nevery = "10s"\n'
    await upload_all(rig)
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))
        rig.sandbox.library.remove("1", image(rig, CONTENTS[0]).hash)
        ended = await run(rig, "audit", "--everything")
        assert ended.code == 0, ended.err
        assert "the daemon begins the audit" in ended.out
        await until(lambda: daemon.logged("image.lost", "sent_again=true"))
        await until(lambda: daemon.logged("audit.done", "total=", "unknown=0"))
        await until(lambda: rig.holds(CONTENTS[0]))
        assert await daemon.end() == 0


async def test_an_audit_exits_with_1_if_an_account_cannot_be_listed(rig: Rig) -> None:
    await upload_all(rig)
    rig.sandbox.faults.add(Fault("190"))
    ended = await run(rig, "audit")
    assert ended.code == 1
    assert "main: not audited" in ended.out
    assert "Traceback" not in ended.err
    assert all(rig.recorded(content) is not None for content in CONTENTS)


@pytest.mark.parametrize("word", ["deletions", "audit"])
async def test_a_wrong_configuration_exits_with_78(rig: Rig, word: str) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("[ledger]", "[leger]"))
    ended = await syncd(rig, word, "--config", str(file))
    assert ended.code == 78
    assert "leger" in ended.err
