"""Images and POSTs that a foreign server rejects."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.foreign_server import (
    Behaviour,
    ForeignServer,
    bad_entry,
    error,
)  # fmt: skip
from support.foreign_trial import (
    BAD_PICTURES,
    Trial,
    file_names,
    is_bad,
    run_trial,
)  # fmt: skip
from support.pictures import picture

pytestmark = pytest.mark.usefixtures("fast_retries")

BAD_FILE, BAD_IMAGE = error(400, 100, 1487411), error(400, 100, 2490361)

FORMS_OF_REJECTION = {
    "fails all, as a file": Behaviour(is_bad=is_bad, bad_fails_all=BAD_FILE),
    "fails all, as an image": Behaviour(is_bad=is_bad, bad_fails_all=BAD_IMAGE),
    "skipped": Behaviour(is_bad=is_bad, bad_fails_all=None),
    "entry with an error": Behaviour(
        is_bad=is_bad, bad_fails_all=None, bad_entry=bad_entry, shuffled=True
    ),
    "entry null": Behaviour(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: None),
    "entry empty": Behaviour(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {}),
    "hash null": Behaviour(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {"hash": None}),
    "hash empty": Behaviour(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {"hash": ""}),
    "entry false": Behaviour(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: False),  # type: ignore[arg-type,return-value]  # an invalid one
    "code as a text": Behaviour(is_bad=is_bad, bad_fails_all=error(400, "100", "1487411")),
    "status 200": Behaviour(is_bad=is_bad, bad_fails_all=error(200, 100, 1487411)),
}


@pytest.mark.parametrize("form", FORMS_OF_REJECTION)
async def test_only_bad_images_are_rejected(tmp_path: Path, form: str) -> None:
    trial = await run_trial(tmp_path, FORMS_OF_REJECTION[form], names=file_names(25), bad=2)
    # Halving 25 for two of them takes at most 2 * 5 * 2 requests; then each is sent as `bytes`.
    assert len(trial.server.posts) <= 1 + 2 * 5 * 2 + 2
    async with ForeignServer(trial.server.behaviour) as later:
        trial.server, hashes = later, trial.server.hashes
        await trial.backfill()
        assert not later.posts, "uploaded again after the rejection"
        later.hashes = hashes
        trial.check_in_sync(BAD_PICTURES)


REJECTIONS = {
    "file type": BAD_FILE,
    "invalid parameter": error(400, 100),
    "transient": error(500, 1),
    "unknown code": error(400, 54321),
}


@pytest.mark.parametrize("reply", ["file type", "invalid parameter", "unknown code"])
async def test_an_account_that_rejects_shared_posts_gets_one_image_per_post(
    tmp_path: Path, reply: str
) -> None:
    rejection = REJECTIONS[reply]
    behaviour = Behaviour(rejects=lambda post: rejection if post.is_shared else None)
    trial = await run_trial(tmp_path, behaviour, names=file_names(40))
    shared = [call for call in trial.server.posts if call.post and call.post.is_shared]
    # Halving until twelve suspects were sent alone (rules/limitation.py) takes twice as many.
    assert len(shared) <= 2 * 12
    assert len(trial.server.posts) - len(shared) <= 40


@pytest.mark.parametrize("reply", ["file type", "invalid parameter", "unknown code"])
@pytest.mark.parametrize("most", [2, 5])
async def test_an_account_that_accepts_a_few_images_per_post_gets_a_few(
    tmp_path: Path, reply: str, most: int
) -> None:
    rejection = REJECTIONS[reply]
    behaviour = Behaviour(rejects=lambda post: rejection if len(post.images) > most else None)
    trial = await run_trial(tmp_path, behaviour, names=file_names(25))
    assert len(trial.server.posts) <= 25 + 10


async def test_an_account_that_rejects_every_file_gets_bytes(tmp_path: Path) -> None:
    behaviour = Behaviour(
        rejects=lambda post: BAD_FILE if post.way == "files" else None, is_bad=is_bad
    )
    trial = await run_trial(tmp_path, behaviour, bad=2)
    assert len(trial.server.posts) <= 2 * 12 + 9
    ways = [call.post.way for call in trial.server.posts if call.post]
    assert ways.count("bytes") == 12


@pytest.mark.parametrize("resets", [False, True], ids=["polite", "resets"])
async def test_a_body_that_is_too_large_is_sent_in_halves(tmp_path: Path, *, resets: bool) -> None:
    async with ForeignServer(Behaviour(max_body=400_000, resets_after_413=resets)) as server:
        trial = Trial(tmp_path, server)
        for seed in range(8):
            trial.add(f"{seed}.bmp", picture(seed, "BMP", 200, 150))
        await trial.backfill()
        trial.check_in_sync()
        # 720 KB take two POSTs; a reset is retried before it counts as a sign of the size.
        assert len(server.posts) <= (24 if resets else 8)


async def test_only_an_image_that_is_too_large_by_itself_is_rejected(tmp_path: Path) -> None:
    async with ForeignServer(Behaviour(max_body=400_000)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(6))
        large = trial.add("large.bmp", picture(99, "BMP", 500, 500))
        assert not (await trial.backfill()).in_sync
        assert not trial.rejected(), "a second response has to confirm it"
        trial.change("UPDATE replica SET doubted_at = doubted_at - 600")
        assert not (await trial.backfill()).in_sync
        trial.check_in_sync([large])


@pytest.mark.parametrize(
    "name",
    ["photo", "photo.v2", "photo.jfif"],
)
async def test_every_file_is_sent_under_a_name_with_an_images_extension(
    tmp_path: Path, name: str
) -> None:
    await run_trial(tmp_path, names=["one.jpg", f"x{name}"], include='["*"]')


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
async def test_the_content_type_of_a_part_is_the_files_format_whatever_its_name(
    tmp_path: Path, kind: str
) -> None:
    async with ForeignServer() as server:
        trial = Trial(tmp_path, server)
        trial.add("one.jpg", picture(1, kind))
        trial.add("two.png", picture(2, kind))
        await trial.backfill()
        trial.check_in_sync()
