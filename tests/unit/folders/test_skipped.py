"""The reasons for which files are not taken, and the names of junk."""

from collections import Counter

import pytest

from syncd.folders import skipped
from syncd.folders.junk import is_junk
from syncd.folders.patterns import Patterns

PATTERNS = Patterns(["*.jpg", "*.png"], ["drafts/", "*_old.jpg"])
LISTED = Patterns(["/a/*.jpg"], ["drafts/"])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"a.webp", ".webp"),
        (b"A.WebP", ".webp"),
        (b"a.heic", ".heic"),
        (b"readme", "no_extension"),
        (b"a.very-long-extension-indeed", "other"),
        (b"a.j\xffg", "other"),
        (b"a.png ", "odd_name"),
        (b"a.png.", "odd_name"),
        (b"a.png\n", "odd_name"),
        (b"sub/a.jpg\xc2\xa0", "other"),
        (b".hidden.jpg", "hidden"),
        (b"a.jpg.part", "hidden"),
        (b"photo.part.jpg", "hidden"),
        (b"@eaDir/a.jpg", "hidden"),
        (b"a_old.jpg", "excluded"),
        (b"drafts", "excluded"),
        (b"drafts/a.jpg", "excluded"),
    ],
)
def test_a_file_that_is_not_taken_has_a_reason(path: bytes, code: str) -> None:
    assert not PATTERNS.admits(path)
    assert PATTERNS.why_skipped(path) == code


def test_other_patterns_than_types_give_the_same_reasons() -> None:
    assert LISTED.why_skipped(b"b/x.jpg") == ".jpg"
    assert LISTED.why_skipped(b"a/x.jpg ") == "odd_name"
    assert LISTED.why_skipped(b"drafts/x.jpg") == "excluded"


@pytest.mark.parametrize(
    "name",
    [
        b"#SynoRecycle",
        b"@SynologyDrive",
        b"photo.part.jpg",
        b"photo.tmp.png",
        b"Photo.TMP.PNG",
        b"photo.crdownload.jpg",
        b"photo.Conflict.jpg",
        b"Catalog Previews.lrdata",
        b"My Library.photoslibrary",
        b"a.sync-conflict-20260131-120000-ABCDEFG.jpg",
        b"a (Max's conflicted copy 2026-01-31).jpg",
        b"a (conflicted copy 2026-01-31 120000).jpg",
        b"a_conflict-20260131-120000.jpg",
        b":2eDS_Store",
    ],
)
def test_a_name_of_junk_is_skipped_whatever_the_patterns(name: bytes) -> None:
    assert is_junk(name)
    assert Patterns(["*.jpg", "*.png"], []).admitted(b"", [b"a.jpg", name, b"b.png"]) == [
        b"a.jpg",
        b"b.png",
    ]
    assert Patterns(["*"], []).admitted(b"", [name]) == []


@pytest.mark.parametrize(
    "name", [b"department.jpg", b"part.jpg", b"conflict.jpg", b"a.party.jpg", b"tmp.jpg"]
)
def test_a_name_that_only_resembles_junk_is_taken(name: bytes) -> None:
    assert not is_junk(name)
    assert Patterns(["*.jpg"], []).admitted(b"", [name]) == [name]


def test_rare_extensions_are_counted_together() -> None:
    counts = {f".x{n}": 100 - n for n in range(30)} | {"hidden": 1, "excluded": 500}
    found = skipped.summary(counts)
    assert next(iter(found)) == "excluded"
    assert sum(code.startswith(".") for code in found) == skipped.MOST_EXTENSIONS
    assert found["hidden"] == 1
    assert found["other"] == sum(100 - n for n in range(20, 30))
    assert sum(found.values()) == sum(counts.values())


def test_the_reasons_of_a_scan_are_bounded() -> None:
    counts = Counter[str]()
    for number in range(5000):
        skipped.add(counts, {f".{number}": 1})
    assert len(counts) <= 1001
    assert counts.total() == 5000


def test_counts_are_words_for_the_operator() -> None:
    assert skipped.sentence({".webp": 1200, "hidden": 1}) == "1,200 .webp, 1 hidden or junk"
