"""A backfill uploads a folder to its account, whatever it contains and the account returns."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig

from syncd.ledger import accounts, queries, replicas
from syncd.ledger.file import changing, reading
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

FORMATS = [("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "tif")]


def fill(rig: Rig, count: int) -> list[bytes]:
    contents = [picture(i) for i in range(count)]
    for i, content in enumerate(contents):
        rig.write(f"{i:03}.jpg", content)
    return contents


async def test_every_image_is_recorded_with_the_hash_that_the_account_returned(rig: Rig) -> None:
    contents = {f"a/{kind}.{end}": picture(1, kind) for kind, end in FORMATS}
    for name, content in contents.items():
        rig.write(name, content)
    result = await rig.backfill()
    assert result.in_sync
    given = {image.sha256: image.hash for image in rig.sandbox.library.images("1")}
    for content in contents.values():
        assert rig.recorded(content) == given[sha256(content).hexdigest()]


async def test_a_second_backfill_sends_no_call(rig: Rig) -> None:
    fill(rig, 30)
    await rig.backfill()
    before = rig.sandbox.counts.calls("1")
    assert (await rig.backfill()).in_sync
    assert rig.sandbox.counts.calls("1") == before


async def test_images_share_their_posts(rig: Rig) -> None:
    fill(rig, 100)
    await rig.backfill()
    assert rig.sandbox.counts.calls("1", "upload") <= 5
    assert rig.sandbox.counts.images("1") == 100


async def test_a_post_holds_at_most_the_configured_bytes(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox, toml='[pack]\nbytes = "64KiB"')
    for i in range(12):
        rig.write(f"{i}.bmp", picture(i, "BMP", 100, 80))  # 24 KB each: two per POST
    await rig.backfill()
    assert sandbox.counts.images("1") == 12
    assert max(sandbox.counts.files_per_post("1")) == 2


async def test_equal_files_are_uploaded_once(rig: Rig) -> None:
    content = picture(1)
    for name in ("a.jpg", "b/a.jpg", "b/c.jpg"):
        rig.write(name, content)
    assert (await rig.backfill()).in_sync
    assert rig.sandbox.counts.images("1") == 1


async def test_a_mirror_holds_the_same_images(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "copy": "2"}, mirrors=("copy",))
    content = fill(rig, 1)[0]
    assert (await rig.backfill()).in_sync
    assert rig.holds(content, "1")
    assert rig.holds(content, "2")


@pytest.mark.parametrize(
    "name",
    [
        b"plain.jpg",
        "Frühling – été 春.jpg".encode(),
        b"not-utf8-\xff\xfe.jpg",
        b"new\nline.jpg",
        b'quote".jpg',
        b"back\\slash.jpg",
        b"UPPER.JPG",
        b"x" * 251 + b".jpg",
        b"two.dots.jpg",
        b"semi;colon=&.jpg",
    ],
)
async def test_a_file_may_have_any_name(rig: Rig, name: bytes) -> None:
    content = picture(1)
    rig.write(name, content)
    assert (await rig.backfill()).in_sync
    assert rig.holds(content)
    (image,) = rig.sandbox.library.images("1")
    assert len(image.name) <= 100
    assert image.name.lower().endswith(".jpg")


async def test_equal_names_in_one_post_stay_distinct(rig: Rig) -> None:
    contents = [picture(i) for i in range(10)]
    for i, content in enumerate(contents):
        rig.write(f"{i}/same.jpg", content)
    await rig.backfill()
    assert all(rig.holds(content) for content in contents)
    hashes = [rig.recorded(content) for content in contents]
    assert len(set(hashes)) == 10


async def test_images_of_one_file_name_keep_it_in_posts_of_their_own(rig: Rig) -> None:
    names = [f"{n % 37}.jpg" for n in range(60)]
    for n, name in enumerate(names):
        rig.write(f"{n}/{name}", picture(n))
    await rig.backfill()
    assert sorted(image.name for image in rig.sandbox.library.images("1")) == sorted(names)
    assert rig.sandbox.counts.calls("1") <= 6


async def test_a_file_that_is_not_an_image_costs_no_call(rig: Rig) -> None:
    rig.write("text.jpg", b"this is not a picture, only some text, repeated\n" * 9)
    rig.write("cut.jpg", picture(1, width=400, height=300)[:-2000])
    rig.write("page.png", b"%PDF-1.7 something")
    result = await rig.backfill()
    assert not result.in_sync
    assert result.tallies["main"].rejected == 3  # type: ignore[index]  # a NewType of str
    assert rig.sandbox.counts.calls("1") == 0
    with reading(rig.ledger) as db:
        reasons = {count.reason for count in queries.rejections("1")(db)}  # type: ignore[arg-type]  # a NewType of str
    assert any("a text file" in reason for reason in reasons)
    assert any("truncated" in reason for reason in reasons)


async def test_junk_links_and_devices_are_skipped(rig: Rig, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(picture(9))
    inside = rig.write("real.jpg", picture(1))
    for name in (".hidden.jpg", "a~", "x.jpg.part", "~$x.jpg", "@eaDir/t.jpg", ".trash/x.jpg"):
        rig.write(name, picture(2))
    (rig.folder / "in.jpg").symlink_to(inside)
    (rig.folder / "out.jpg").symlink_to(outside)
    (rig.folder / "loop").symlink_to(rig.folder)
    os.mkfifo(rig.folder / "pipe.jpg")
    assert (await rig.backfill()).in_sync
    assert rig.sandbox.counts.images("1") == 1


async def test_a_bad_image_among_many_is_found_and_stays_rejected(rig: Rig) -> None:
    contents = fill(rig, 25)
    rig.sandbox.faults.add(Fault("100/2490361", image=sha256(contents[7]).hexdigest()))
    result = await rig.backfill()
    assert result.tallies["main"].held == 24  # type: ignore[index]  # a NewType of str
    assert result.tallies["main"].rejected == 1  # type: ignore[index]  # a NewType of str
    calls = rig.sandbox.counts.calls("1")
    assert calls <= 12  # 25 is halved five times, with two halves each
    await rig.backfill()
    assert rig.sandbox.counts.calls("1") == calls
    rig.sandbox.faults.clear()
    with changing(rig.ledger) as db:
        replicas.retry_rejected()(db)
    assert (await rig.backfill()).in_sync
    assert rig.holds(contents[7])


async def test_an_account_that_rejects_shared_posts_gets_one_image_per_post(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, many_files="refuse")
    contents = fill(rig, 60)
    assert (await rig.backfill()).in_sync
    assert all(rig.holds(content) for content in contents)
    refused = sum(n for files, n in rig.sandbox.counts.files_per_post("1").items() if files > 1)
    assert (
        refused <= 35
    )  # four workers halve theirs at the same time, until enough were taken alone
    for i in range(60, 90):  # the limit is still known after a restart
        rig.write(f"{i:03}.jpg", picture(i))
    before = rig.sandbox.counts.calls("1")
    assert (await rig.backfill()).in_sync
    assert rig.sandbox.counts.calls("1") == before + 30


async def test_an_image_that_is_rejected_as_a_file_is_sent_once_as_a_form_field(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    content = fill(rig, 1)[0]
    assert (await rig.backfill()).in_sync
    assert rig.holds(content)
    assert rig.sandbox.counts.calls("1") == 2


@pytest.mark.parametrize(
    "fault",
    [
        "1",
        "2",
        "1/99",
        "reset_before",
        "reset_after",
        "cut_off",
        "half_json",
        "html502",
        "html503",
        "413",
    ],
)
async def test_a_temporary_failure_loses_no_image(rig: Rig, fault: str) -> None:
    contents = fill(rig, 30)
    rig.sandbox.faults.add(Fault(fault, times=2, on="upload"))
    assert (await rig.backfill()).in_sync
    assert all(rig.recorded(content) for content in contents)


async def test_an_expired_token_stops_every_account_that_uses_it(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "copy": "2"}, mirrors=("copy",))
    content = fill(rig, 1)[0]
    sandbox.faults.add(Fault("190", times=1, account="1"))
    sandbox.faults.add(Fault("slow", seconds=0.3, account="2"))
    result = await rig.backfill()
    assert not result.in_sync
    with reading(rig.ledger) as db:
        assert {p.kind for p in accounts.pauses()(db).values()} == {"stop"}
    sandbox.faults.clear()
    assert (await rig.backfill()).in_sync
    assert rig.holds(content, "2")


async def test_a_missing_permission_stops_only_its_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "copy": "2"}, mirrors=("copy",))
    contents = fill(rig, 30)
    sandbox.faults.add(Fault("200", account="2"))
    result = await rig.backfill()
    assert not result.in_sync
    assert all(rig.holds(content, "1") for content in contents)
    with reading(rig.ledger) as db:
        (pause,) = accounts.pauses()(db).values()
    assert pause.until is None
    assert "200" in pause.why


async def test_an_unreachable_account_does_not_keep_a_backfill_from_ending(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "copy": "2"}, mirrors=("copy",), workers=1)
    fill(rig, 3)
    sandbox.faults.add(Fault("100/33", account="2"))
    result = await rig.backfill()
    assert not result.in_sync
    assert not result.interrupted
    assert result.tallies["main"].held == 3  # type: ignore[index]  # a NewType of str
