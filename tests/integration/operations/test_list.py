"""`syncd images list` and `get`: every field and parameter, and the errors."""

import csv
import io
from dataclasses import replace

import pytest
from support.image_commands import ImageCommands
from support.pictures import picture
from support.rig import Rig

from syncd.graph.nodes import FIELDS
from syncd.ledger.file import changing
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.values import Image, ImageHash, Status

PAUSE = "INSERT INTO pause SELECT id,"


@pytest.fixture
def images(rig: Rig) -> ImageCommands:
    return ImageCommands(rig)


def hold(rig: Rig, number: int, account: str = "1", **changes: object) -> Image:
    """Put an image into the account without a call."""
    image = rig.sandbox.hold(account, f"{number}.jpg", picture(number))
    changed = replace(image, **changes)  # type: ignore[arg-type]  # by name
    rig.sandbox.library.put(changed)
    return changed


async def test_a_json_list_has_every_field_of_the_page(rig: Rig, images: ImageCommands) -> None:
    image = hold(rig, 1)
    creative = rig.sandbox.creatives.add("1", image.hash)
    listed = await images("list", "--account", "main", "--json")
    (row,) = listed.rows
    assert list(row) == list(FIELDS)
    assert len(FIELDS) == 16
    assert row["id"] == f"1:{image.hash}"
    assert (row["hash"], row["name"], row["status"]) == (image.hash, "1.jpg", "ACTIVE")
    assert (row["width"], row["height"]) == (image.width, image.height)
    assert (row["account_id"], row["creatives"]) == ("1", [creative])
    assert row["is_associated_creatives_in_adgroups"] is False
    assert all(row[name] for name in ("url", "url_128", "permalink_url", "updated_time"))
    assert listed.code == 0


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_can_be_listed_alone(rig: Rig, images: ImageCommands, field: str) -> None:
    hold(rig, 1)
    everything = await images("list", "--account", "1", "--json", "--fields", ",".join(FIELDS))
    one = await images("list", "--account", "act_1", "--json", "--fields", field)
    assert list(one.rows[0]) == [field]
    if not field.startswith("url"):  # a URL has the time at which it expires
        assert one.rows[0][field] == everything.rows[0][field]


async def test_a_csv_list_is_read_by_a_csv_reader(rig: Rig, images: ImageCommands) -> None:
    image = hold(rig, 1, name='=1+1, "a".jpg')
    listed = await images("list", "--account", "main", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(listed.out))
    assert (row["hash"], row["name"]) == (image.hash, "'" + image.name)


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("--name", "1.J", ["1.jpg"]),
        ("--min-width", "200", ["wide.jpg"]),
        ("--min-height", "200", ["high.jpg"]),
        ("--business", "5", ["1.jpg", "high.jpg", "wide.jpg"]),
        ("--biz-tag", "6", []),
        ("--limit", "1", 1),
    ],
)
async def test_a_list_is_filtered_by_a_parameter(
    rig: Rig, images: ImageCommands, option: str, value: str, found: list[str] | int
) -> None:
    one = hold(rig, 1)
    rig.sandbox.library.put(
        replace(
            one, name="wide.jpg", picture=replace(one.picture, hash=ImageHash("a" * 32), width=200)
        )
    )
    rig.sandbox.library.put(
        replace(
            one, name="high.jpg", picture=replace(one.picture, hash=ImageHash("b" * 32), height=200)
        )
    )
    listed = await images("list", "--account", "main", "--json", option, value)
    names = sorted(row["name"] for row in listed.rows)
    assert (len(names) if isinstance(found, int) else names) == found


async def test_a_list_by_hashes_has_no_other_image(rig: Rig, images: ImageCommands) -> None:
    one, _, three = (hold(rig, number) for number in range(3))
    chosen = f"{one.hash},{three.hash}"
    listed = await images("list", "--account", "main", "--json", "--hashes", chosen)
    assert {row["hash"] for row in listed.rows} == {one.hash, three.hash}


async def test_only_active_images_are_listed_without_an_option(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, deleted_images="listed")
    hold(rig, 1)
    hold(rig, 2, status=Status.INTERNAL)
    hold(rig, 3, status=Status.DELETED, gone_at=0.0)
    active = await images("list", "--account", "main", "--json", "--fields", "name")
    assert active.rows == [{"name": "1.jpg"}]
    everything = await images("list", "--account", "main", "--json", "--all-statuses")
    assert {row["status"] for row in everything.rows} == {"ACTIVE", "INTERNAL", "DELETED"}


async def test_the_number_of_images_is_read_from_the_summary_with_one_call(
    rig: Rig, images: ImageCommands
) -> None:
    for number in range(3):
        hold(rig, number)
    counted = await images("list", "--account", "main", "--count")
    assert counted.out == "3\n"
    assert rig.sandbox.counts.calls("1", "list") == 1
    assert (await images("list", "--account", "main", "--count", "--name", "a")).code == 2


async def test_unknown_images_are_those_that_the_ledger_does_not_have(
    rig: Rig, images: ImageCommands
) -> None:
    rig.write("ours.jpg", picture(1))
    await rig.backfill()
    theirs = hold(rig, 2)
    listed = await images("list", "--account", "main", "--json", "--unknown")
    assert [row["hash"] for row in listed.rows] == [theirs.hash]


async def test_a_list_of_many_short_pages_has_each_image_once(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, largest_page=7, page_fill="short")
    held = {hold(rig, number).hash for number in range(25)}
    listed = await images("list", "--account", "main", "--json", "--fields", "hash")
    assert sorted(row["hash"] for row in listed.rows) == sorted(held)


async def test_a_list_goes_on_after_its_cursor_has_become_invalid(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, largest_page=5)
    held = [hold(rig, number).hash for number in range(15)]
    rig.sandbox.faults.add(Fault("2642", on="list", after=2, times=1))
    listed = await images("list", "--account", "main", "--json", "--fields", "hash")
    assert listed.code == 0
    assert sorted(row["hash"] for row in listed.rows) == sorted(held)


async def test_a_list_requests_smaller_pages_when_the_account_asks_for_them(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, page_too_large=300)
    hold(rig, 1)
    listed = await images("list", "--account", "main", "--json", "--fields", "name")
    assert listed.rows == [{"name": "1.jpg"}]


async def test_the_map_of_2013_is_listed(rig: Rig, images: ImageCommands) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, list_shape="map")
    hold(rig, 1)
    listed = await images("list", "--account", "main", "--json", "--fields", "name")
    assert listed.rows == [{"name": "1.jpg"}]


async def test_get_shows_images_and_reports_those_that_are_missing(
    rig: Rig, images: ImageCommands
) -> None:
    image = hold(rig, 1)
    both = await images("get", image.hash, "f" * 32, "--account", "main", "--json")
    found, missing = both.rows
    assert (found["hash"], missing) == (
        image.hash,
        {"hash": "f" * 32, "why": "the account does not list it"},
    )
    assert both.code == 3
    none = await images("get", "f" * 32, "--account", "main")
    assert (none.code, none.err) == (1, f"syncd: {'f' * 32}: the account does not list it\n")


async def test_a_word_that_is_not_a_hash_is_wrong_usage(images: ImageCommands) -> None:
    for word in ("a/b", "x" * 129, ""):
        assert (await images("get", word, "--account", "main")).code == 2
        assert (await images("list", "--hashes", word, "--account", "main")).code == 2


async def test_an_unknown_account_is_wrong_usage(images: ImageCommands) -> None:
    wrong = await images("list", "--account", "mian")
    assert wrong.code == 2
    assert "did you mean main?" in wrong.err


async def test_an_account_that_is_not_in_the_configuration_uses_the_token_of_graph(
    rig: Rig, images: ImageCommands
) -> None:
    hold(rig, 1, account="77")
    listed = await images("list", "--account", "act_77", "--json", "--fields", "name")
    assert listed.rows == [{"name": "1.jpg"}]
    assert rig.rows("SELECT act FROM account JOIN api_call ON account_id = account.id") == [("77",)]


async def test_an_error_ends_the_json_and_is_one_line_with_a_remedy(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.tokens.revoke(rig.sandbox.token)
    listed = await images("list", "--account", "main", "--json")
    assert listed.code == 69
    assert "190" in listed.rows[-1]["why"]
    assert listed.err.startswith("syncd: 190")
    assert "syncd token set" in listed.err
    assert listed.err.count("\n") == 1


async def test_a_temporary_failure_is_tried_again(rig: Rig, images: ImageCommands) -> None:
    hold(rig, 1)
    rig.sandbox.faults.add(Fault("2", on="list", times=1))
    listed = await images("list", "--account", "main", "--json", "--fields", "name")
    assert (listed.code, listed.rows) == (0, [{"name": "1.jpg"}])
    assert "trying again" in listed.err


async def test_each_call_is_in_the_ledger_before_it_is_answered(
    rig: Rig, images: ImageCommands
) -> None:
    seen: list[object] = []

    async def look(_: Call, outcome: Outcome) -> Outcome:
        seen.append(rig.rows("SELECT points, images, process > 0 FROM api_call"))
        return outcome

    rig.sandbox.on_response = look
    await images("list", "--account", "main")
    assert seen == [[(1, 0, 1)]]


async def test_a_throttled_call_pauses_the_account_and_waits(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.faults.add(Fault("80004", on="list", times=1))
    tight = 'budget = { window = "1s" }'  # its block is in proportion
    images.rig.per_account = f'tier = "standard"\n{tight}'
    images.rig.write_config()
    hold(rig, 1)
    listed = await images("list", "--account", "main", "--json", "--fields", "name")
    assert (listed.code, listed.rows) == (0, [{"name": "1.jpg"}])
    assert "paused for" in listed.err


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "INSERT INTO operator_pause SELECT id, 1, NULL, 'audit', 'eva' FROM account",
            "syncd resume main",
        ),
        (
            f"{PAUSE} 'stop', 'token refused: 190', 1, NULL, 1, 'fix it' FROM account",
            "fix it",
        ),
        (
            f"{PAUSE} 'abuse control', '613', 1, strftime('%s') + 5000.0, 1, 'ask' FROM account",
            "ask",
        ),
    ],
)
async def test_an_account_that_waits_for_the_operator_gets_no_call(
    rig: Rig, images: ImageCommands, sql: str, words: str
) -> None:
    with changing(rig.ledger) as db:
        db.execute("INSERT INTO account (act) VALUES ('1')")
        db.execute(sql)
    listed = await images("list", "--account", "main")
    assert listed.code == 69
    assert words in listed.err
    assert rig.sandbox.counts.calls("1") == 0


async def test_many_hashes_are_requested_in_parts(rig: Rig, images: ImageCommands) -> None:
    held = [hold(rig, number).hash for number in range(3)]
    chosen = [*(f"{number:032x}" for number in range(120)), *held]
    listed = await images("list", "--account", "main", "--json", "--hashes", ", ".join(chosen))
    assert sorted(row["hash"] for row in listed.rows) == sorted(held)
    assert rig.sandbox.counts.calls("1", "list") == 3
