"""`syncd images copy` and `delete`: their results, what they record, and what they refuse."""

from dataclasses import replace

import pytest
from support.image_commands import ImageCommands
from support.pictures import picture
from support.rig import Rig

from syncd.daemon.credentials import opener
from syncd.model import ImageHash
from syncd.operations.deletions import deleted, shown
from syncd.operations.session import open_session
from syncd.operations.target import target
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome

MISSING = "f" * 32


@pytest.fixture
def images(rig: Rig) -> ImageCommands:
    rig.accounts = {"main": "1", "other": "2"}
    return ImageCommands(rig)


def hold(rig: Rig, number: int, account: str = "1") -> str:
    return str(rig.sandbox.hold(account, f"{number}.jpg", picture(number)).hash)


def kept(rig: Rig) -> list[str]:
    return [reason for (reason,) in rig.rows("SELECT reason FROM kept ORDER BY account_id")]


def known_by_hash(rig: Rig) -> list[str]:
    return [image_hash for (image_hash,) in rig.rows("SELECT hash FROM kept_hash")]


@pytest.mark.parametrize("key", ["hash", "name", "bytes", "copy_from"])
async def test_an_image_is_copied_whatever_the_key_of_the_response(
    rig: Rig, images: ImageCommands, key: str
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, copy_key=key)  # type: ignore[arg-type]  # one of its values
    image = hold(rig, 1)
    copied = await images("copy", image, "--from", "main", "--to", "other", "--json")
    assert copied.code == 0
    assert copied.rows == [
        {"file": None, "hash": image, "name": "1.jpg", "state": "copied", "why": None}
    ]
    assert rig.holds(picture(1), "2")
    assert (rig.sandbox.counts.calls("1"), rig.sandbox.counts.calls("2", "copy")) == (0, 1)
    assert known_by_hash(rig) == [image]  # its bytes are unknown


async def test_a_copy_of_an_image_of_the_ledger_is_kept_by_its_bytes(
    rig: Rig, images: ImageCommands
) -> None:
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    image = rig.recorded(picture(1)) or ""
    assert (await images("copy", image, "--from", "1", "--to", "2")).code == 0
    assert rig.recorded(picture(1), "2") == image
    assert (kept(rig), known_by_hash(rig)) == (["by_hand"], [])


async def test_images_that_cannot_be_copied_do_not_stop_the_others(
    rig: Rig, images: ImageCommands
) -> None:
    image = hold(rig, 1)
    copied = await images("copy", MISSING, image, "--from", "main", "--to", "other", "--json")
    assert copied.code == 3
    assert [row["state"] for row in copied.rows] == ["failed", "copied"]
    assert copied.err.startswith(f"syncd: {MISSING}: 100")


async def test_an_image_is_deleted_and_confirmed(rig: Rig, images: ImageCommands) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, deletion_lag=0.5)
    image = hold(rig, 1)
    gone = await images("delete", image, "--account", "main", "--yes", "--json")
    assert gone.code == 0
    assert [(row["hash"], row["state"]) for row in gone.rows] == [(image, "deleted")]
    assert not rig.holds(picture(1))
    assert rig.sandbox.counts.calls("1", "delete") == 1
    assert rig.sandbox.counts.calls("1", "list") == 3  # before, at once, and after a second


async def test_an_image_in_use_is_not_deleted_and_its_creatives_are_named(
    rig: Rig, images: ImageCommands
) -> None:
    image, free = hold(rig, 1), hold(rig, 2)
    creative = rig.sandbox.creatives.add("1", image)
    gone = await images("delete", image, free, "--account", "main", "--yes", "--json")
    assert gone.code == 3
    used, done = gone.rows
    assert used["why"] == f"the creative {creative} uses it; delete that first"
    assert done["state"] == "deleted"
    assert rig.holds(picture(1))


async def test_an_image_that_the_account_does_not_list_is_not_deleted(
    rig: Rig, images: ImageCommands
) -> None:
    gone = await images("delete", MISSING, "--account", "main", "--yes")
    assert (gone.code, gone.err) == (1, f"syncd: {MISSING}: the account does not list it\n")
    assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_without_a_terminal_nothing_is_deleted_unless_yes_is_given(
    rig: Rig, images: ImageCommands
) -> None:
    image = hold(rig, 1)
    gone = await images("delete", image, "--account", "main", stdin="y\n")
    assert gone.code == 1
    assert "give --yes" in gone.err
    assert rig.holds(picture(1))


async def test_a_wanted_image_is_deleted_with_a_warning_and_missing_again(
    rig: Rig, images: ImageCommands
) -> None:
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    image = rig.recorded(picture(1)) or ""
    gone = await images("delete", image, "--account", "main", "--yes")
    assert (gone.code, gone.err) == (
        0,
        f"syncd: {image}: a file wants it, so that syncd uploads it again\n",
    )
    assert rig.recorded(picture(1)) is None
    await rig.backfill()
    assert rig.holds(picture(1))


async def test_a_delete_is_recorded_before_it_is_sent(rig: Rig, images: ImageCommands) -> None:
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    seen: list[object] = []

    async def look(call: Call, outcome: Outcome) -> Outcome:
        if call.method == "DELETE":
            seen.extend(rig.rows("SELECT delete_sent_at IS NOT NULL FROM replica"))
        return outcome

    rig.sandbox.on_response = look
    await images("delete", rig.recorded(picture(1)) or "", "--account", "main", "--yes")
    assert seen == [(1,)]


async def test_a_rejected_delete_leaves_the_image_held(rig: Rig, images: ImageCommands) -> None:
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    rig.sandbox.faults.add(Fault("100", on="delete"))
    gone = await images("delete", rig.recorded(picture(1)) or "", "--account", "main", "--yes")
    assert gone.code == 1
    assert rig.rows("SELECT state FROM replica") == [("held",)]


async def test_a_delete_that_gets_an_error_of_the_server_is_confirmed_by_a_read(
    rig: Rig, images: ImageCommands
) -> None:
    image = hold(rig, 1)
    rig.sandbox.faults.add(Fault("reset_after", on="delete"))
    gone = await images("delete", image, "--account", "main", "--yes", "--json")
    assert (gone.code, gone.rows[0]["state"]) == (0, "deleted")
    assert rig.sandbox.counts.calls("1", "delete") == 1  # never sent twice


async def test_an_image_that_stays_listed_is_a_failure_and_stays_unconfirmed(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, deletion_lag=float("inf"))
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    image = ImageHash(rig.recorded(picture(1)) or "")
    config, open_account = rig.config(), opener(rig.config(), rig.environ, lambda _: None)
    chosen = target(config, "main")
    assert chosen is not None
    async with open_session(config, chosen, open_account, print, "eva") as session:
        there = await shown(session, [image])
        results = [result async for result in deleted(session, there, pauses=(0.0, 0.0))]
    (result,) = results
    assert "still lists it" in (result.why or "")
    assert rig.rows("SELECT state FROM replica") == [("unconfirmed",)]


async def test_an_image_copied_by_hand_is_not_unknown_until_it_is_deleted(
    rig: Rig, images: ImageCommands
) -> None:
    image = hold(rig, 1)
    await images("copy", image, "--from", "main", "--to", "other")
    unknown = await images("list", "--account", "other", "--unknown", "--json")
    assert unknown.rows == []
    await images("delete", image, "--account", "other", "--yes")
    assert known_by_hash(rig) == []
