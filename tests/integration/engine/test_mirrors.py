"""Mirrors copy images where that takes fewer calls, upload the others, and never block."""

import asyncio
import time
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token


def mirrored(path: Path, sandbox: Sandbox, copy: str = "auto", mirrors: int = 1) -> Rig:
    accounts = {"main": "1", "eu": "2", "us": "3"}
    names = list(accounts)[: mirrors + 1]
    return Rig(
        path,
        sandbox,
        accounts={name: accounts[name] for name in names},
        mirrors=tuple(names[1:]),
        per_folder=f'copy = "{copy}"',
    )


def uploads(rig: Rig, account: str) -> int:
    return rig.sandbox.counts.calls(account, "upload")


def copied(rig: Rig, account: str) -> int:
    return rig.sandbox.counts.calls(account, "copy")


async def test_a_single_arrival_is_copied_to_its_mirrors(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = mirrored(tmp_path, sandbox, mirrors=2)
    first, content = picture(1), picture(2)
    rig.write("first.jpg", first)
    async with rig.running():
        await until(lambda: all(rig.recorded(first, account) for account in "123"))
        before = [uploads(rig, account) for account in "123"]
        rig.write("a.jpg", content)
        await until(lambda: all(rig.recorded(content, account) for account in "123"))
    assert [uploads(rig, account) for account in "123"] == [before[0] + 1, *before[1:]]
    assert rig.recorded(content, "2") == rig.recorded(content, "1")


async def test_a_backlog_shares_its_posts_to_a_mirror(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = mirrored(tmp_path, sandbox)
    for n in range(50):
        rig.write(f"{n}.jpg", picture(n))
    await rig.backfill()
    assert rig.rows("SELECT count(*) FROM replica WHERE hash IS NOT NULL") == [(100,)]
    assert uploads(rig, "2") + copied(rig, "2") <= 4


async def test_a_new_mirror_copies_everything_and_uploads_nothing(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, mirrors=0)
    contents = [picture(n) for n in range(20)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    await rig.backfill()
    more = mirrored(tmp_path, sandbox, copy="copy")
    await more.backfill()
    assert all(more.recorded(content, "2") for content in contents)
    assert (copied(more, "2"), uploads(more, "2")) == (20, 0)
    assert sandbox.counts.of("2").bytes < 20 * 300


async def test_a_folder_may_be_set_to_upload_to_its_mirrors(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, copy="upload")
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: rig.recorded(content, "2") is not None)
    assert (copied(rig, "2"), uploads(rig, "2")) == (0, 1)


@pytest.mark.parametrize("key", ["hash", "name", "bytes", "copy_from"])
async def test_the_response_to_a_copy_is_accepted_with_any_key(tmp_path: Path, key: str) -> None:
    async with Sandbox(Switches(tier="unlimited", copy_key=key)) as sandbox:  # type: ignore[arg-type]  # one of its literals
        content = picture(1)
        alone = mirrored(tmp_path, sandbox, mirrors=0)
        alone.write("a.jpg", content)
        await alone.backfill()
        rig = mirrored(tmp_path, sandbox, copy="copy")
        await rig.backfill()
        assert (copied(rig, "2"), uploads(rig, "2")) == (1, 0)
        assert rig.recorded(content, "2") == rig.recorded(content, "1")


async def test_a_copy_without_permission_becomes_an_upload_and_the_pair_is_remembered(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, copy="copy")
    sandbox.faults.add(Fault("200", times=None, account="2", on="copy"))
    contents = [picture(n) for n in range(6)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    async with rig.running():
        await until(lambda: all(rig.recorded(content, "2") for content in contents))
        later = picture(9)
        rig.write("later.jpg", later)
        await until(lambda: rig.recorded(later, "2") is not None)
    assert copied(rig, "2") <= 4  # the copies that were requested before the first response
    assert rig.rows(
        "SELECT source.act, destination.act FROM learned"
        " JOIN account AS source ON source.id = source_id"
        " JOIN account AS destination ON destination.id = account_id"
    ) == [("1", "2")]
    ((until_when,),) = rig.rows("SELECT retry_at FROM learned")
    assert abs(until_when - time.time() - 24 * 3600) < 60
    assert rig.rows("SELECT * FROM pause") == []
    before = copied(rig, "2")
    rig.write("after.jpg", picture(10))
    await rig.backfill()
    assert copied(rig, "2") == before


async def test_an_image_that_a_source_has_lost_is_copied_from_the_next_and_finally_uploaded(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    one = mirrored(tmp_path, sandbox, copy="copy", mirrors=1)
    contents = [picture(n) for n in range(2)]
    for n, content in enumerate(contents):
        one.write(f"{n}.jpg", content)
    await one.backfill()
    for content in contents:
        sandbox.library.remove("1", str(one.recorded(content)))
    sandbox.library.remove("2", str(one.recorded(contents[1])))
    rig = mirrored(tmp_path, sandbox, copy="copy", mirrors=2)
    await rig.backfill()
    assert all(rig.holds(content, "3") for content in contents)
    assert copied(rig, "3") == 4  # one from each of two, and again for the second image
    assert uploads(rig, "3") == 1


@pytest.mark.parametrize("trouble", ["80004", "200"])
async def test_a_failing_mirror_does_not_delay_the_other_accounts(
    tmp_path: Path, sandbox: Sandbox, trouble: str
) -> None:
    rig = mirrored(tmp_path, sandbox, mirrors=2)
    sandbox.faults.add(Fault(trouble, times=None, account="2"))
    contents = [picture(n) for n in range(3)]
    async with rig.running():
        for n, content in enumerate(contents):
            rig.write(f"{n}.jpg", content)
            await until(lambda c=content: rig.recorded(c, "1") is not None)  # type: ignore[misc]  # a default has no type
        await until(lambda: all(rig.recorded(content, "3") for content in contents))
    assert not any(rig.recorded(content, "2") for content in contents)


async def test_a_mirror_does_not_wait_for_a_paused_first_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, copy="copy")
    sandbox.faults.add(Fault("80004", times=None, account="1"))
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: rig.recorded(content, "2") is not None)
        await asyncio.wait_for(until(lambda: rig.holds(content, "2")), 5)
    assert rig.recorded(content, "1") is None


async def test_a_lost_ledger_means_that_all_is_sent_again_and_nothing_deleted(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox)
    contents = [picture(n) for n in range(30)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    await rig.backfill()
    before = {image.hash for image in sandbox.library.images("1")}
    posts = uploads(rig, "1")
    for left in rig.path.glob("ledger.db*"):
        left.unlink()
    await rig.backfill()
    assert {image.hash for image in sandbox.library.images("1")} == before
    assert {image.hash for image in sandbox.library.images("2")} == before
    assert uploads(rig, "1") == 2 * posts
    assert sandbox.counts.calls(None, "delete") == 0


async def test_a_mirror_uploads_if_its_own_token_cannot_read_the_source(
    tmp_path: Path,
) -> None:
    tokens = [Token.of("for-main", ["1"]), Token.of("for-eu", ["2"])]
    async with Sandbox(Switches(tier="unlimited"), tokens=tokens) as sandbox:
        rig = mirrored(tmp_path, sandbox, copy="copy")
        token = tmp_path / "eu.token"
        token.write_text("for-eu")
        token.chmod(0o600)
        rig.of_account = {"eu": f'token = {{ file = "{token}" }}'}
        content = picture(1)
        rig.write("a.jpg", content)
        async with rig.running():
            await until(lambda: rig.recorded(content, "1") is not None)
            await until(lambda: rig.recorded(content, "2") is not None)
        await rig.backfill()
        assert rig.holds(content, "2")
        assert sandbox.counts.of("2").errors.keys() <= {"200"}
        assert rig.rows("SELECT * FROM pause") == []


async def test_a_mirror_set_to_copy_waits_for_the_first_account_and_uploads_nothing(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, copy="copy", mirrors=2)
    contents = [picture(n) for n in range(40)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    await rig.backfill()
    assert all(rig.recorded(content, account) for content in contents for account in "123")
    assert (copied(rig, "2"), uploads(rig, "2")) == (40, 0)
    assert (copied(rig, "3"), uploads(rig, "3")) == (40, 0)


async def test_a_mirror_set_to_copy_uploads_while_the_first_account_is_throttled(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = mirrored(tmp_path, sandbox, copy="copy")
    sandbox.faults.add(Fault("80004", times=None, account="1"))
    contents = [picture(n) for n in range(5)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    async with rig.running():
        await until(lambda: all(rig.recorded(content, "2") for content in contents))
    assert not any(rig.recorded(content, "1") for content in contents)
