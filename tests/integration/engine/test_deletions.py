"""Deletions, end to end: which images leave the accounts, and which must stay."""

import asyncio
import time
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.history.driver import copy_ledger, let_calls_end, lose_ledger
from support.pictures import picture
from support.rig import Rig, rig_without_grace, until, wait_until_held

from syncd.ledger import condemned, queries, search
from syncd.ledger.file import changing
from syncd.model import AccountId, FolderName, ImageHash
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return rig_without_grace(tmp_path, sandbox)


async def test_an_image_leaves_the_account_after_its_last_file_is_deleted(rig: Rig) -> None:
    gone, kept = picture(1), picture(2)
    rig.write("a.jpg", gone)
    rig.write("b.jpg", kept)
    async with rig.running():
        await wait_until_held(rig, gone, kept)
        (rig.folder / "a.jpg").unlink()
        await until(lambda: not rig.holds(gone))
        await until(lambda: rig.recorded(gone) is None)
        await until(lambda: rig.rows("SELECT * FROM deletion") == [])
        assert rig.holds(kept)
    assert rig.sandbox.counts.calls("1", "delete") == 1


async def test_the_old_image_of_a_rewritten_file_leaves_the_account(rig: Rig) -> None:
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    async with rig.running():
        await wait_until_held(rig, old)
        rig.write("a.jpg", new)
        await wait_until_held(rig, new)
        await until(lambda: not rig.holds(old))
        assert rig.holds(new)


async def test_a_deleted_image_leaves_the_mirrors_too(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = rig_without_grace(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    gone, kept = picture(1), picture(2)
    rig.write("a.jpg", gone)
    rig.write("b.jpg", kept)
    async with rig.running():
        await until(lambda: all(rig.recorded(c, a) for c in (gone, kept) for a in "12"))
        (rig.folder / "a.jpg").unlink()
        await until(lambda: not rig.holds(gone, "1") and not rig.holds(gone, "2"))
        assert rig.holds(kept, "1")
        assert rig.holds(kept, "2")


async def wait_until_deletions_are_done(rig: Rig, content: bytes) -> None:
    """Wait until the last image to be deleted, and with it every earlier one, is deleted."""
    await until(lambda: not rig.holds(content))
    await until(lambda: rig.rows("SELECT 1 FROM deletion WHERE reason IS NULL") == [])


def condemned_notes(rig: Rig) -> list[str]:
    return [note for (note,) in rig.rows("SELECT reason FROM deletion WHERE reason IS NOT NULL")]


async def test_an_image_that_a_creative_uses_is_kept(rig: Rig) -> None:
    used, free = picture(1), picture(2)
    rig.write("a.jpg", used)
    rig.write("b.jpg", free)
    rig.write("c.jpg", picture(3))
    creatives = rig.sandbox.creatives
    async with rig.running():
        await wait_until_held(rig, used, free)
        creatives.add("1", str(rig.recorded(used)))
        (rig.folder / "a.jpg").unlink()
        await until(lambda: condemned_notes(rig) == ["a creative or an ad uses it"])
        (rig.folder / "b.jpg").unlink()
        await wait_until_deletions_are_done(rig, free)
        assert rig.holds(used)
    assert rig.sandbox.counts.calls("1", "delete") == 1


async def test_an_image_stays_while_another_file_needs_its_hash(
    tmp_path: Path,
) -> None:
    async with Sandbox(Switches(tier="unlimited", transcoding="same_picture")) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        one = picture(1)
        other = one + b"\x00trailing"
        last = picture(2)
        rig.write("a.jpg", one)
        rig.write("b.jpg", other)
        rig.write("c.jpg", last)
        rig.write("d.jpg", picture(3))
        async with rig.running():
            await wait_until_held(rig, one, other, last)
            assert rig.recorded(one) == rig.recorded(other)
            (rig.folder / "a.jpg").unlink()
            await until(
                lambda: condemned_notes(rig) == ["another image that is wanted has the same hash"]
            )
            (rig.folder / "c.jpg").unlink()
            await wait_until_deletions_are_done(rig, last)
            assert rig.recorded(other) is not None
            assert rig.recorded(one) in {image.hash for image in sandbox.library.images("1")}


async def test_a_successful_response_does_not_prove_a_deletion(tmp_path: Path) -> None:
    async with Sandbox(Switches(tier="unlimited", deletion_lag=float("inf"))) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        gone = picture(1)
        rig.write("a.jpg", gone)
        rig.write("b.jpg", picture(2))
        async with rig.running():
            await wait_until_held(rig, gone)
            (rig.folder / "a.jpg").unlink()
            await until(lambda: condemned_notes(rig) == ["still there"])
            assert rig.rows("SELECT state FROM replicas WHERE state <> 'held'") == [
                ("unconfirmed",)
            ]
            assert rig.holds(gone)
        assert sandbox.counts.calls("1", "delete") == 1  # the second one is only sent later


async def test_a_file_that_returns_before_a_crash_during_its_deletion_is_sent_again_at_once(
    rig: Rig,
) -> None:
    content = picture(1)
    digest = sha256(content).digest()
    rig.write("a.jpg", content)
    rig.write("b.jpg", picture(2))
    executed, copy = asyncio.Event(), rig.path / "crashed.db"
    unchanged = rig.sandbox.on_response

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        if call.kind != "delete":
            return outcome
        rig.write("a.jpg", content)
        await until(lambda: rig.rows("SELECT min(wanted) FROM replica") == [(1,)])
        copy_ledger(rig.ledger, copy)
        executed.set()
        return Outcome(0, b"", delivery=Delivery.RESET)

    async with rig.running():
        await wait_until_held(rig, content)
        rig.sandbox.on_response = respond
        (rig.folder / "a.jpg").unlink()
        await executed.wait()
    rig.sandbox.on_response = unchanged
    if (image_hash := rig.recorded(content)) and rig.holds(content):  # sent again while it stopped
        rig.sandbox.library.remove("1", ImageHash(image_hash))
    lose_ledger(rig.ledger)
    copy.rename(rig.ledger)

    states = "SELECT state, hash IS NULL FROM replicas WHERE sha256 = ?"
    assert rig.rows(states, digest.hex()) == [("unconfirmed", 0)]
    async with rig.running() as runtime:
        await until(lambda: rig.holds(content))
        await until(lambda: rig.rows("SELECT 1 FROM replica WHERE check_at > resent_at") != [])
        assert rig.rows(states, digest.hex()) == [("unconfirmed", 0)]
        tally = await runtime.ledger.read(queries.tally(AccountId("1")))
        assert (tally.held, tally.missing) == (1, 1)
        (found,) = await runtime.ledger.read(search.by_digest(digest, digest))
        (replica,) = found.replicas
        assert (replica.is_held, replica.unconfirmed) == (True, True)
        await runtime.ledger.write(let_calls_end())
        runtime.engine.confirmations[AccountId("1")].wake()
        await until(lambda: rig.rows(states, digest.hex()) == [("held", 0)])


async def test_a_file_that_returns_after_a_read_has_shown_its_deletion_is_confirmed_once_more(
    rig: Rig,
) -> None:
    content = picture(1)
    state = "SELECT state, hash IS NULL FROM replicas WHERE sha256 = ?"
    digest = sha256(content).hexdigest()
    rig.write("a.jpg", content)
    rig.write("b.jpg", picture(2))
    async with rig.running() as runtime:
        await wait_until_held(rig, content)
        (rig.folder / "a.jpg").unlink()
        await until(lambda: rig.rows(state, digest) == [("unconfirmed", 1)])
        assert rig.rows("SELECT * FROM deletion") == []
        rig.write("a.jpg", content)
        await until(lambda: rig.rows(state, digest) == [("unconfirmed", 0)])
        tally = await runtime.ledger.read(queries.tally(AccountId("1")))
        assert (tally.held, tally.missing) == (1, 1)
        await runtime.ledger.write(let_calls_end())
        runtime.engine.confirmations[AccountId("1")].wake()
        await until(lambda: rig.rows(state, digest) == [("held", 0)])


async def test_an_absent_image_is_forgotten_once_its_deletion_can_have_no_effect(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.write("b.jpg", picture(2))
    absent = "SELECT state FROM replicas WHERE hash IS NULL"
    async with rig.running() as runtime:
        await wait_until_held(rig, content)
        (rig.folder / "a.jpg").unlink()
        await until(lambda: rig.rows(absent) == [("unconfirmed",)])
        await runtime.ledger.write(let_calls_end())
        runtime.engine.confirmations[AccountId("1")].wake()
        await until(lambda: rig.rows(absent) == [])


async def test_a_deletion_is_not_confirmed_while_its_call_may_last(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(tmp_path, sandbox, timeout="60s")
    content = picture(1)
    rig.write("a.jpg", content)
    rig.write("b.jpg", picture(2))
    arrived, answered = asyncio.Event(), asyncio.Event()

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        if call.kind == "delete":
            arrived.set()
            await answered.wait()
        return outcome

    sandbox.on_response = respond
    async with rig.running() as runtime:
        await wait_until_held(rig, content)
        (rig.folder / "a.jpg").unlink()
        await arrived.wait()
        with changing(rig.ledger) as db:  # a minute passes
            db.execute(
                "UPDATE replica SET delete_sent_at = delete_sent_at - 61, check_at = check_at - 61"
            )
        reads = sandbox.counts.calls("1", "list")
        await runtime.engine.confirmations[AccountId("1")].run_once()
        assert sandbox.counts.calls("1", "list") == reads
        assert rig.rows("SELECT count(*) FROM replicas WHERE state = 'unconfirmed'") == [(1,)]
        answered.set()
        await until(lambda: rig.rows("SELECT * FROM deletion") == [])


async def test_a_rejected_deletion_leaves_the_image_held(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.write("b.jpg", picture(2))
    async with rig.running():
        await wait_until_held(rig, content)
        rig.sandbox.faults.add(Fault("100", times=1, account="1", on="delete"))
        (rig.folder / "a.jpg").unlink()
        await until(lambda: len(condemned_notes(rig)) == 1)
        assert "rejected" in condemned_notes(rig)[0]
        assert rig.rows("SELECT delete_sent_at FROM replica") == [(None,), (None,)]


async def test_too_many_deletions_at_once_await_the_operator(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(
        tmp_path,
        sandbox,
        toml='[deletions]\ngrace = "0s"\nhold_above = { images = 2, share = 0.1 }\n',
    )
    contents = [picture(n) for n in range(6)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    async with rig.running():
        await wait_until_held(rig, *contents)
        for n in range(3):
            (rig.folder / f"{n}.jpg").unlink()
        await until(lambda: rig.rows("SELECT count(*) FROM deletion WHERE state='held'") == [(3,)])
        with changing(rig.ledger) as db:
            assert condemned.approve(FolderName("spring"))(db) == 3
        await until(lambda: not any(rig.holds(content) for content in contents[:3]))
        assert all(rig.holds(content) for content in contents[3:])


async def test_files_that_were_moved_are_recorded_before_a_scan_is_concluded(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(
        tmp_path,
        sandbox,
        settle="2s",
        toml='[deletions]\ngrace = "0s"\nhold_above = { images = 2, share = 0.1 }\n',
    )
    contents = [picture(n) for n in range(6)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    with capture_logs() as logs:
        async with rig.running():
            await wait_until_held(rig, *contents)
            await until(lambda: rig.rows("SELECT trusted_at FROM baseline") not in ([], [(None,)]))
            (rig.folder / "sub").mkdir()
            for n in range(3):
                (rig.folder / f"{n}.jpg").rename(rig.folder / "sub" / f"{n}.jpg")
            await until(lambda: [e["event"] for e in logs].count("files.missing") > 0)
            assert rig.rows("SELECT * FROM deletion") == []
    assert not [entry for entry in logs if entry["event"] == "deletions.held"]
    assert [e["condemned"] for e in logs if e["event"] == "files.missing"] == [0]


async def test_an_emptied_folder_deletes_nothing(rig: Rig) -> None:
    contents = [picture(n) for n in range(3)]
    for n, content in enumerate(contents):
        rig.write(f"{n}.jpg", content)
    async with rig.running():
        await wait_until_held(rig, *contents)
        await until(lambda: rig.rows("SELECT trusted_at FROM baseline") not in ([], [(None,)]))
        for n in range(3):
            (rig.folder / f"{n}.jpg").unlink()
        await until(
            lambda: (
                rig.rows("SELECT suspect FROM baseline") == [("is empty, but had files before",)]
            )
        )
        assert rig.rows("SELECT * FROM deletion") == []
        late = picture(9)
        rig.write("late.jpg", late)
        await wait_until_held(rig, late)
        await until(lambda: rig.rows("SELECT suspect FROM baseline") == [(None,)])
    assert all(rig.holds(content) for content in contents)
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_an_image_that_stays_listed_is_logged_and_deleted_again(tmp_path: Path) -> None:
    switches = Switches(tier="unlimited", deletion_lag=float("inf"))
    passed = [0.0]  # seconds, for the server
    async with Sandbox(switches, clock=lambda: time.time() + passed[0]) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        gone = picture(1)
        rig.write("a.jpg", gone)
        rig.write("b.jpg", picture(2))
        with capture_logs() as logs:
            async with rig.running():
                await wait_until_held(rig, gone)
                passed[0] = 3600.0
                with changing(rig.ledger) as db:  # for us, too
                    db.execute("UPDATE replica SET clock_offset = clock_offset + 3600")
                (rig.folder / "a.jpg").unlink()
                await until(lambda: condemned_notes(rig) == ["still there"])
                with changing(rig.ledger) as db:  # some minutes pass
                    db.execute(
                        "UPDATE replica"
                        " SET delete_sent_at = delete_sent_at - 300, check_at = NULL"
                        " WHERE delete_sent_at IS NOT NULL"
                    )
                await until(lambda: sandbox.counts.calls("1", "delete") == 2)
                await until(lambda: rig.rows("SELECT attempts FROM deletion") == [(2,)])
                await until(lambda: condemned_notes(rig) == ["still there"])
                with changing(rig.ledger) as db:
                    db.execute(
                        "UPDATE replica"
                        " SET delete_sent_at = delete_sent_at - 100, check_at = NULL"
                        " WHERE delete_sent_at IS NOT NULL"
                    )
                later = "SELECT 1 FROM deletion WHERE retry_at > ?"  # longer each time
                await until(lambda: rig.rows(later, time.time() + 120) == [(1,)])
        assert sandbox.counts.calls("1", "delete") == 2
        logged = [entry for entry in logs if entry["event"] == "deletion.unconfirmed"]
        assert [entry["file"] for entry in logged] == [str(rig.folder / "a.jpg")]
