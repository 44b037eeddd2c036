"""`syncd images upload`: every way, the checks before it, and what the ledger records."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.image_commands import ImageCommands
from support.pictures import picture
from support.rig import Rig

from syncd.sandbox.faults import Fault


@pytest.fixture
def images(rig: Rig) -> ImageCommands:
    return ImageCommands(rig)


def write(rig: Rig, name: str, content: bytes) -> str:
    """Write a file next to the folder, so that no file of the folder wants its image."""
    path = rig.path / "elsewhere" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


def write_pictures(rig: Rig, number: int) -> list[str]:
    return [write(rig, f"{one}.jpg", picture(one)) for one in range(number)]


def zipped(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def kept(rig: Rig) -> list[tuple[str, str]]:
    return [
        (sha256, reason)
        for sha256, reason in rig.rows(
            "SELECT lower(hex(sha256)), reason FROM kept JOIN image ON image.id = image_id"
        )
    ]


@pytest.mark.parametrize(
    ("way", "posts", "name"), [("files", 2, "0.jpg"), ("bytes", 5, "bytes"), ("zip", 2, "0.jpg")]
)
async def test_files_are_sent_in_each_way_and_kept(
    rig: Rig, images: ImageCommands, way: str, posts: int, name: str
) -> None:
    rig.toml = "[pack]\nimages = 4\n"
    rig.write_config()
    paths = write_pictures(rig, 5)
    sent = await images("upload", *paths, "--account", "main", "--as", way, "--json")
    assert (sent.code, sent.err) == (0, "")
    assert [row["file"] for row in sent.rows] == paths
    assert rig.sandbox.counts.calls("1", "upload") == posts
    assert all(rig.holds(picture(number)) for number in range(5))
    assert sent.rows[0]["name"] == name
    assert sent.rows[0]["hash"] == rig.recorded(picture(0))
    assert [reason for _, reason in kept(rig)] == ["by_hand"] * 5


@pytest.mark.parametrize("way", ["files", "bytes", "zip"])
async def test_files_whose_names_begin_with_dots_are_sent_in_each_way(
    rig: Rig, images: ImageCommands, way: str
) -> None:
    rig.write_config()
    names = (".a.jpg", "a.jpg", "..jpg", "...", ".ä.jpg")
    paths = [write(rig, name, picture(number)) for number, name in enumerate(names)]
    sent = await images("upload", *paths, "--account", "main", "--as", way, "--json")
    assert (sent.code, sent.err) == (0, "")
    assert [row["hash"] for row in sent.rows] == [rig.recorded(picture(n)) for n in range(5)]
    assert all(rig.holds(picture(number)) for number in range(5))


async def test_a_zip_file_is_sent_as_it_is_and_its_entries_are_mapped_to_hashes(
    rig: Rig, images: ImageCommands
) -> None:
    content = zipped(
        {"a/x.jpg": picture(1), "b/y.png": picture(2, "PNG"), "__MACOSX/x.jpg": b"", ".hidden": b""}
    )
    path = write(rig, "two.zip", content)
    sent = await images("upload", path, "--account", "main", "--json")
    assert sent.code == 0
    hashes = {row["file"]: row["hash"] for row in sent.rows}
    assert hashes == {
        f"{path}: a/x.jpg": rig.recorded(picture(1)),
        f"{path}: b/y.png": rig.recorded(picture(2, "PNG")),
    }
    assert rig.sandbox.counts.calls("1", "upload") == 1
    assert len(kept(rig)) == 2


def damaged(compression: int) -> bytes:
    """Return an archive whose compressed bytes were changed."""
    content = bytearray(zipped({"a.png": picture(1, "PNG") * 20}, compression))
    content[45:75] = bytes(255 - byte for byte in content[45:75])
    return bytes(content)


def with_offset(content: bytes) -> bytes:
    """Return an archive whose end places its directory behind it."""
    end = content.index(b"PK\x05\x06")
    return content[: end + 16] + b"\xff\xff\xff\x7f" + content[end + 20 :]


def doubled(name: str, *contents: bytes) -> bytes:
    """Return an archive with several entries of one name."""
    different = zipped({f"{number}{name[1:]}": one for number, one in enumerate(contents)})
    for number in range(len(contents)):
        different = different.replace(f"{number}{name[1:]}".encode(), name.encode())
    return different


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        ("a.jpg", b"", "not finished"),
        ("a.jpg", picture(1)[:-100], "nothing was sent"),
        ("a.zip", zipped({"note.txt": b"text"}), "note.txt"),
        ("a.zip", b"PK\x03\x04 broken", "cannot be read"),
        ("a.zip", zipped({"d/": b""}), "it has no image"),
        ("a.zip", damaged(zipfile.ZIP_LZMA), "cannot be read"),
        ("a.zip", damaged(zipfile.ZIP_BZIP2), "cannot be read"),
        ("a.zip", damaged(zipfile.ZIP_DEFLATED), "cannot be read"),
        (
            "a.zip",
            zipped({"ü.jpg": picture(1)}).replace("ü".encode(), b"\xff\xfe"),
            "cannot be read",
        ),
        ("a.zip", with_offset(zipped({"a.jpg": picture(1)})), "cannot be read"),
        ("a.zip", doubled("a.jpg", picture(1), picture(2)), "a.jpg: another entry has its name"),
    ],
)
async def test_a_file_that_the_api_does_not_accept_is_not_sent(
    rig: Rig, images: ImageCommands, name: str, content: bytes, why: str
) -> None:
    path = write(rig, name, content)
    sent = await images("upload", path, "--account", "main", "--json")
    (row,) = sent.rows
    assert (sent.code, row["hash"], row["state"]) == (1, None, "failed")
    assert why in row["why"]
    assert sent.err == f"syncd: {path}: {row['why']}\n"
    assert rig.sandbox.counts.calls("1") == 0


async def test_equal_images_of_a_zip_file_have_one_hash(rig: Rig, images: ImageCommands) -> None:
    path = write(rig, "two.zip", zipped({"a.jpg": picture(1), "b.jpg": picture(1)}))
    sent = await images("upload", path, "--account", "main", "--json")
    assert (sent.code, sent.err) == (0, "")
    assert [row["file"] for row in sent.rows] == [f"{path}: a.jpg", f"{path}: b.jpg"]
    assert {row["hash"] for row in sent.rows} == {rig.recorded(picture(1))}


async def test_a_file_that_does_not_exist_does_not_stop_the_others(
    rig: Rig, images: ImageCommands
) -> None:
    good = write(rig, "good.jpg", picture(1))
    sent = await images("upload", "/nowhere.jpg", good, "--account", "main", "--json")
    assert sent.code == 3
    assert [row["state"] for row in sent.rows] == ["failed", "uploaded"]


async def test_an_image_that_a_file_wants_counts_as_held(rig: Rig, images: ImageCommands) -> None:
    rig.sandbox.faults.add(Fault("190/463", times=1))
    path = str(rig.write("a.jpg", picture(1)))
    await rig.backfill()
    assert rig.recorded(picture(1)) is None
    rig.sandbox.faults.clear()
    with_stop = await images("upload", path, "--account", "main")
    assert with_stop.code == 69  # the account is stopped
    await rig.backfill()
    uploads = rig.sandbox.counts.calls("1", "upload")
    assert (await images("upload", path, "--account", "main")).code == 0
    assert kept(rig) == []
    await rig.backfill()
    assert rig.sandbox.counts.calls("1", "upload") == uploads + 1


async def test_an_upload_to_an_account_that_syncd_does_not_manage_is_not_recorded(
    rig: Rig, images: ImageCommands
) -> None:
    path = write(rig, "a.jpg", picture(1))
    assert (await images("upload", path, "--account", "77")).code == 0
    assert rig.holds(picture(1), "77")
    assert rig.rows("SELECT * FROM replica") == []


async def test_an_image_kept_by_hand_is_listed_and_released(
    rig: Rig, images: ImageCommands
) -> None:
    path = write(rig, "a.jpg", picture(1))
    await images("upload", path, "--account", "main")
    image = rig.recorded(picture(1)) or ""
    listed = await images.other("deletions", "--kept")
    assert listed.out.endswith("  main  -  -  by_hand\n")
    (row,) = (await images.other("deletions", "--kept", "--json")).rows
    assert (row["file"], row["account"], row["kept"]) == (None, "main", "by_hand")
    found = await images.other("find", image)
    assert "`syncd images` uploaded or copied it" in found.out
    assert "uploaded to main" in (await images.other("log", image)).out
    assert (await images.other("deletions", "release", image)).code == 0
    assert kept(rig) == []


async def test_the_same_bytes_are_sent_once(rig: Rig, images: ImageCommands) -> None:
    one, two = write(rig, "1.jpg", picture(1)), write(rig, "2.jpg", picture(1))
    sent = await images("upload", one, two, one, "--account", "main", "--json")
    assert rig.sandbox.counts.images("1") == 1
    assert [row["file"] for row in sent.rows] == [one, two, one]
    assert len({row["hash"] for row in sent.rows}) == 1


async def test_a_name_in_the_account_has_at_most_100_characters(
    rig: Rig, images: ImageCommands
) -> None:
    path = write(rig, "n" * 120 + ".jpg", picture(1))
    sent = await images("upload", path, "--account", "main", "--json")
    assert len(sent.rows[0]["name"]) == 100


@pytest.mark.parametrize("effect", ["fails_all", "skips_it", "skips_with_error_entry"])
@pytest.mark.parametrize("way", ["files", "zip"])
async def test_one_rejected_image_does_not_stop_the_others(
    rig: Rig, images: ImageCommands, effect: str, way: str
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, one_bad_file=effect)  # type: ignore[arg-type]  # one of its values
    rig.sandbox.faults.add(Fault("100/2490361", image="2.jpg"))
    paths = write_pictures(rig, 4)
    sent = await images("upload", *paths, "--account", "main", "--json", "--as", way)
    failed = [row for row in sent.rows if row["why"]]
    assert sent.code == 3
    assert [row["file"] for row in failed] == [paths[2]]
    assert "2490361" in failed[0]["why"]
    assert sorted(row["file"] for row in sent.rows) == paths


async def test_a_file_that_is_rejected_as_a_file_is_sent_as_bytes(
    rig: Rig, images: ImageCommands
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    path = write(rig, "a.jpg", picture(1))
    assert (await images("upload", path, "--account", "main")).code == 0
    assert rig.holds(picture(1))


async def test_files_after_an_error_of_the_account_are_not_tried(
    rig: Rig, images: ImageCommands
) -> None:
    rig.toml = "[pack]\nimages = 1\n"
    rig.write_config()
    rig.sandbox.faults.add(Fault("200", on="upload", after=1))
    sent = await images("upload", *write_pictures(rig, 3), "--account", "main", "--json")
    assert sent.code == 69
    uploaded, second, third, error = sent.rows
    assert uploaded["state"] == "uploaded"
    assert second["why"] == third["why"] == "not tried: the operation ended before it"
    assert error["why"].startswith("200")
    assert "ads_management" in sent.err
