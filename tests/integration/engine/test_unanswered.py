"""Images that calls without a response have left in an account, and whose files were deleted."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.rig import Rig, rig_without_grace, until, wait_until_held

from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image, ImageHash

SENT, STAYS = picture(1, width=41), picture(2)


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return rig_without_grace(tmp_path, sandbox, timeout="1s")


def lose_response(rig: Rig, kind: str, then: Callable[[Image], object]) -> None:
    """Let no response to the next call of a kind with `SENT` arrive; `then` gets its image."""
    ordinary = rig.sandbox.on_response

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        images = rig.sandbox.library.images(str(call.account))
        ours = [image for image in images if image.sha256 == sha256(SENT).hexdigest()]
        if call.kind != kind or not ours:
            return outcome
        rig.sandbox.on_response = ordinary
        then(ours[0])
        return Outcome(0, b"", delivery=Delivery.RESET)

    rig.sandbox.on_response = respond


def add_like(rig: Rig, ours: Image, number: int, **changes: Any) -> Image:
    """Add an image of another user that differs from ours in its hash, and in `changes`."""
    other = replace(ours.picture, hash=ImageHash(f"{number:032x}"), sha256=f"{number:064x}")
    theirs = replace(ours, picture=other, **changes)
    rig.sandbox.library.put(theirs)
    return theirs


def is_settled(rig: Rig) -> bool:
    tables = "deletion", "unanswered", "replica WHERE wanted = 0"
    return not any(rig.rows(f"SELECT 1 FROM {table}") for table in tables)


async def test_an_image_whose_upload_had_no_response_leaves_after_its_file_is_deleted(
    rig: Rig,
) -> None:
    rig.write("b.jpg", STAYS)
    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", lambda _: (rig.folder / "a.jpg").unlink())
        rig.write("a.jpg", SENT)
        await until(lambda: rig.holds(SENT))
        await until(lambda: not rig.holds(SENT))
        await until(lambda: is_settled(rig))
    assert rig.holds(STAYS)
    assert rig.sandbox.counts.calls("1", "delete") == 1


async def test_an_image_that_returns_under_its_former_name_leaves_too(rig: Rig) -> None:
    rig.write("b.jpg", STAYS)
    rig.write("former.jpg", SENT)
    async with rig.running():
        await wait_until_held(rig, STAYS, SENT)
        (rig.folder / "former.jpg").unlink()
        await until(lambda: not rig.holds(SENT))
        await until(lambda: is_settled(rig))
        lose_response(rig, "upload", lambda _: (rig.folder / "a.jpg").unlink())
        rig.write("a.jpg", SENT)
        await until(lambda: rig.holds(SENT))
        assert "a.jpg" not in {image.name for image in rig.sandbox.library.images("1")}
        await until(lambda: not rig.holds(SENT))
        await until(lambda: is_settled(rig))
    assert rig.holds(STAYS)


async def test_the_first_call_of_a_process_leaves_no_image_either(rig: Rig) -> None:
    rig.write("b.jpg", STAYS)
    async with rig.running():
        await wait_until_held(rig, STAYS)
    lose_response(rig, "upload", lambda _: (rig.folder / "a.jpg").unlink())
    rig.write("a.jpg", SENT)
    async with rig.running():
        await until(lambda: rig.holds(SENT))
        await until(lambda: not rig.holds(SENT))
        await until(lambda: is_settled(rig))


async def test_nothing_is_sent_before_a_response_has_shown_the_clock(rig: Rig) -> None:
    rig.write("a.jpg", SENT)
    rig.sandbox.faults.add(Fault("reset_before", times=2, on="me"))
    async with rig.running():
        await until(lambda: rig.rows("SELECT 1 FROM replica WHERE last_error IS NOT NULL") != [])
        assert rig.rows("SELECT 1 FROM replica WHERE sent_at IS NOT NULL") == []
        assert rig.sandbox.counts.calls("1") == 0
        await wait_until_held(rig, SENT)
        assert rig.rows("SELECT clock_offset FROM replica") != [(None,)]


async def test_an_image_whose_copy_had_no_response_leaves_after_its_file_is_deleted(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(
        tmp_path, sandbox, timeout="1s", accounts={"main": "1", "eu": "2"}, mirrors=("eu",)
    )
    rig.write("b.jpg", STAYS)
    async with rig.running():
        await until(lambda: all(rig.recorded(STAYS, account) for account in "12"))
        lose_response(rig, "copy", lambda _: (rig.folder / "a.jpg").unlink())
        rig.write("a.jpg", SENT)
        await until(lambda: rig.holds(SENT, "2"))
        await until(lambda: not rig.holds(SENT, "1") and not rig.holds(SENT, "2"))
        await until(lambda: is_settled(rig))
    assert [sandbox.counts.calls(account, "delete") for account in "12"] == [1, 1]


async def test_images_of_others_stay_when_one_that_had_no_response_is_deleted(rig: Rig) -> None:
    rig.write("b.jpg", STAYS)
    theirs: list[Image] = []

    def after(ours: Image) -> None:
        (rig.folder / "a.jpg").unlink()
        theirs.extend(
            (
                add_like(rig, ours, 1, name="aa.jpg"),
                add_like(rig, ours, 2, created_time=ours.created_time - 60),
                add_like(rig, ours, 3, created_time=ours.created_time + 60),
            )
        )

    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", after)
        rig.write("a.jpg", SENT)
        await until(lambda: bool(theirs) and not rig.holds(SENT))
        await until(lambda: is_settled(rig))
    assert {i.hash for i in theirs} <= {i.hash for i in rig.sandbox.library.images("1")}
    assert rig.sandbox.counts.calls("1", "delete") == 1


async def test_an_image_without_a_response_leaves_after_a_like_one_has_replaced_its_file(
    rig: Rig,
) -> None:
    replacement = picture(3, width=41)  # of the same name and pixels
    rig.write("b.jpg", STAYS)
    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", lambda _: rig.write("a.jpg", replacement))
        rig.write("a.jpg", SENT)
        await wait_until_held(rig, replacement)
        await until(lambda: is_settled(rig))
    assert not rig.holds(SENT)
    assert rig.holds(replacement)
    assert rig.sandbox.counts.calls("1", "delete") == 1


async def test_no_image_is_deleted_when_two_may_be_the_one_that_had_no_response(rig: Rig) -> None:
    rig.write("b.jpg", STAYS)
    theirs: list[Image] = []

    def after(ours: Image) -> None:
        (rig.folder / "a.jpg").unlink()
        theirs.append(add_like(rig, ours, 1))

    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", after)
        rig.write("a.jpg", SENT)
        await until(lambda: bool(theirs) and rig.rows("SELECT 1 FROM deletion") != [])
        await until(lambda: is_settled(rig))
    assert rig.holds(SENT)
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_an_image_that_had_no_response_is_sent_again_while_a_file_needs_it(rig: Rig) -> None:
    rig.write("b.jpg", STAYS)
    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", lambda _: None)
        rig.write("a.jpg", SENT)
        await wait_until_held(rig, SENT)
        await until(lambda: is_settled(rig))
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_an_upload_that_was_not_executed_is_forgotten_after_its_file_is_deleted(
    rig: Rig,
) -> None:
    rig.write("b.jpg", STAYS)

    def after(ours: Image) -> None:
        (rig.folder / "a.jpg").unlink()
        rig.sandbox.library.remove("1", ours.hash)

    async with rig.running():
        await wait_until_held(rig, STAYS)
        lose_response(rig, "upload", after)
        rig.write("a.jpg", SENT)
        await until(lambda: rig.rows("SELECT 1 FROM deletion") != [])
        await until(lambda: is_settled(rig))
    assert rig.sandbox.counts.calls("1", "delete") == 0
