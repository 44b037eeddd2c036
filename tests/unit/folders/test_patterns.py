"""Which names count as images, by the patterns of a folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.folders.patterns import Patterns

TYPES = ["*.jpg", "*.jpeg", "*.png", "*.gif", "*.bmp", "*.tif", "*.tiff"]
DEFAULT = Patterns(TYPES, [])
ALL = Patterns(["*"], [])


@pytest.mark.parametrize(
    "path",
    [
        b"a.jpg",
        b"A.JPG",
        b"a/b/c.Jpeg",
        b"with space/and.dots.in.it.png",
        b"\xff\xfe.tif",
        b"\xff/\xe4.gif",
        b"new\nline.bmp",
        b"x" * 251 + b".jpg",
        "Frühling/絵.png".encode(),
        b"-.jpg",
        b"[1].jpg",
        b"~x.jpg",
        b"#1.jpg",
    ],
)
def test_a_plain_image_is_admitted(path: bytes) -> None:
    assert DEFAULT.admits(path)
    assert ALL.admits(path)


@pytest.mark.parametrize(
    "path", [b"a.txt", b"jpg", b"a.jpg.txt", b"a.jpg\n", b"a", b"a.jpgx", b"a.webp", b"dir.jpg/a"]
)
def test_another_type_is_not_admitted(path: bytes) -> None:
    assert not DEFAULT.admits(path)


@pytest.mark.parametrize(
    "path",
    [
        b".hidden.jpg",
        b"._a.jpg",
        b".DS_Store",
        b".git/a.jpg",
        b"a/.cache/b/c.jpg",
        b"a.jpg~",
        b"a.jpg.tmp",
        b"a.jpg.PART",
        b"a.jpg.crdownload",
        b"a.jpg.download",
        b"a.jpg.download/a.jpg",
        b"a.jpg.filepart",
        b"~$a.jpg",
        b".~lock.a.jpg#",
        b"@eaDir/a.jpg",
        b"x/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        b"#recycle/a.jpg",
        b"#snapshot/a.jpg",
        b"@Recycle/a.jpg",
        b"Thumbs.db",
        b"THUMBS.DB",
        b"desktop.ini",
        b"lost+found/a.jpg",
        b"$RECYCLE.BIN/a.jpg",
        b"System Volume Information/a.jpg",
        b"__MACOSX/a.jpg",
        b"a.swp",
        b"4913",
        b".fuse_hidden0001.jpg",
        b".nfs0001.jpg",
        b".syncthing.a.jpg.tmp",
        b".goutputstream-ABC.jpg",
        b"#a.jpg#",
        b"a.jpg.sb-1a2b3c4d-AbCdEf",
    ],
)
def test_hidden_files_and_junk_are_never_admitted(path: bytes) -> None:
    assert not DEFAULT.admits(path)
    assert not ALL.admits(path)
    assert not Patterns(["*", path.decode()], []).admits(path)


def test_a_file_is_admitted_if_included_and_not_excluded() -> None:
    patterns = Patterns(["*.jpg", "masters/"], ["drafts/", "*_old.*", "/top.jpg"])
    assert patterns.admits(b"a.jpg")
    assert patterns.admits(b"x/masters/a.anything")
    assert patterns.admits(b"x/top.jpg")
    assert not patterns.admits(b"top.jpg")
    assert not patterns.admits(b"a_OLD.jpg")
    assert not patterns.admits(b"x/Drafts/a.jpg")
    assert not patterns.admits(b"x.jpg/notes.txt")


def test_a_newline_at_the_end_of_a_name_is_part_of_it() -> None:
    assert not Patterns(["a*.jpg"], []).admits(b"ab.jpg\n")
    assert Patterns(["a*.jpg"], []).admits(b"a\nb.jpg")


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = Patterns(["*.jpg"], ["a*", "!ab*", "abc*"])
    assert not patterns.admits(b"ax.jpg")
    assert patterns.admits(b"ABx.jpg")
    assert not patterns.admits(b"abc.jpg")


def test_a_file_is_included_again_if_its_directory_is_entered() -> None:
    patterns = Patterns(["*.jpg"], ["a/**", "!a/keep.jpg"])
    assert patterns.enters(b"a")
    assert patterns.admits(b"a/keep.jpg")
    assert not patterns.admits(b"a/b.jpg")


def test_nothing_below_an_excluded_directory_is_included_again() -> None:
    patterns = Patterns(["*.jpg"], ["a/", "!a/keep.jpg"])
    assert not patterns.enters(b"a")
    assert not patterns.admits(b"a/keep.jpg")


def test_directories_are_entered_unless_excluded_or_junk() -> None:
    patterns = Patterns(["*.jpg"], ["drafts/", "2024-*"])
    assert patterns.enters(b"")
    assert patterns.enters(b"a/b/\xff")
    assert patterns.enters(b"holiday.txt")
    for path in (
        b"drafts",
        b"a/DRAFTS",
        b"2024-01",
        b"drafts/sub",
        b".git",
        b"a/@eaDir",
        b"a/.x/y",
    ):
        assert not patterns.enters(path)


def test_an_empty_include_admits_nothing() -> None:
    assert not Patterns([], []).admits(b"a.jpg")


def test_comments_and_empty_lines_are_ignored() -> None:
    assert Patterns(["# mine", "", "*.jpg"], ["#drafts", ""]).admits(b"drafts/a.jpg")


def test_a_set_can_contain_a_bracket() -> None:
    assert Patterns(["[[]1]*"], []).admits(b"[1].jpg")


NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            [b".a.jpg", b"~$a.jpg", b"a.jpg", b"#a.jpg#", b"thumbs.db", b"x.DB", b"4913"]
        ),
        st.binary(min_size=1, max_size=6).map(lambda name: name.translate(None, b"\0/") + b".jpg"),
        st.text("\r\n .~#$aJPGjpgdb", min_size=1, max_size=8).map(str.encode),
    ),
    max_size=6,
)


@given(NAMES, st.sampled_from([b"", b"sub", b"drafts", b".hidden/sub"]))
@pytest.mark.parametrize("include", [["*.jpg", "*.db"], ["*"], ["*.jpg", "/*"], ["*.tmp"], []])
@pytest.mark.parametrize("exclude", [[], ["drafts/", "*a.jpg"]])
def test_each_name_is_judged_independently_of_the_others(
    include: list[str], exclude: list[str], names: list[bytes], directory: bytes
) -> None:
    patterns = Patterns(include, exclude)
    within = directory + b"/" if directory else b""
    assert patterns.admitted(directory, names) == [n for n in names if patterns.admits(within + n)]


@pytest.mark.parametrize(
    "name", [b"thumbs.db", b"Desktop.INI", b"~syncthing~a.db", b".db", b"a.tmp"]
)
def test_junk_of_an_included_type_is_not_admitted(name: bytes) -> None:
    patterns = Patterns(["*.db", "*.ini", "*.tmp"], [])
    assert patterns.admitted(b"", [b"a.db", name, b"thumbs.dbx.db"]) == [b"a.db", b"thumbs.dbx.db"]


@pytest.mark.parametrize("pattern", ["!", "a\\", "[z-a].jpg"])
def test_an_invalid_pattern_is_rejected(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a gitignore pattern"):
        Patterns([pattern], [])


def test_a_path_of_thousands_of_directories_is_judged() -> None:
    deep = b"/".join([b"d"] * 5000)
    patterns = Patterns(["*.jpg"], ["drafts/"])
    assert patterns.admits(deep + b"/a.jpg")
    assert not patterns.enters(b"drafts/" + deep)
    assert not patterns.enters(deep + b"/drafts")
    assert not patterns.enters(b"@eaDir/" + deep)
