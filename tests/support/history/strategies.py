"""The contents, accounts and changes of which histories are made."""

from typing import Any, Literal, TypeAlias

from hypothesis import strategies as st
from support.pictures import picture

from syncd.sandbox.pictures import examine
from syncd.sandbox.switches import Switches

MAX_IMAGE_BYTES = 1000
SWITCHES = Switches(
    tier="unlimited",
    transcoding="same_picture",
    regain="zero",
    upload_of_deleted="revives_as_created",
    max_image_bytes=MAX_IMAGE_BYTES,
)
ACCOUNTS = {"main": "1", "copy": "2", "third": "3"}
NAMES = {number: name for name, number in ACCOUNTS.items()}
CONTENTS = [picture(seed, width=8, height=8) for seed in range(4)]
CONTENTS += [content + b"tail" for content in CONTENTS[:2]]  # the same image as the original
CONTENTS += [b"not a picture", CONTENTS[3][:-40], b""]  # broken: not a picture, truncated, empty
REJECTED = len(CONTENTS)
CONTENTS += [CONTENTS[0] + MAX_IMAGE_BYTES * b"t"]  # complete; the accounts reject it as too large
HASHES: dict[int, str | None] = {
    number: examine(content, SWITCHES).hash if number < 6 else None
    for number, content in enumerate(CONTENTS)
}
DIRECTORIES = ["", "d/", "d/e/", "f/"]
PATHS = [directory + name for directory in DIRECTORIES for name in ("a.jpg", "b.jpg", "x.jpg")]
MIRRORS = [(), ("2",), ("2", "3"), ("3", "2")]
CALLS = ["upload", "copy", "list", "delete"]
FAULTS = ["reset_before", "reset_after", "cut_off", "half_json", "1", "17"]

Change: TypeAlias = tuple[Any, ...]
"""The name of a method of `Folders` or `Accounts`, and its arguments."""

Sync: TypeAlias = Literal["watched", "scanned", "audited"]
"""How syncd notices changes: events name the files first, only a scan does, or an audit follows."""

paths = st.sampled_from(PATHS)
contents = st.integers(0, len(CONTENTS) - 1)
names = st.sampled_from(["spring", "spring", "spring", "autumn"])
numbers = st.sampled_from(list(NAMES))
picks = st.integers(0, 5)
directories = st.sampled_from(DIRECTORIES[1:])

folder_changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("put"), names, paths, contents),
    st.tuples(st.just("duplicate"), names, picks, paths),
    st.tuples(st.just("rename"), names, picks, paths),
    st.tuples(st.just("move"), directories, directories),
    st.tuples(st.just("unlink"), names, picks),
    st.tuples(st.just("unlink"), st.just("spring"), picks),
    st.tuples(st.just("unlink"), st.just("spring"), picks),
    st.tuples(st.sampled_from(["link", "link", "remove_link"]), names, picks),
    st.tuples(st.just("swap_names"), names, picks, picks),
    st.tuples(st.just("move_and_replace"), directories, directories, contents),
    st.tuples(st.just("link_directory"), directories),
    st.sampled_from([("empty",), ("swap_for_a_copy",)]),
)
account_changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(st.just("add_foreign"), numbers, st.integers(0, 5)),
    st.tuples(st.sampled_from(["remove", "use", "use", "release"]), picks),
    st.tuples(st.just("use"), picks),
    st.tuples(st.just("fail"), st.sampled_from(FAULTS), numbers, st.sampled_from(CALLS)),
)
changes = st.lists(
    st.sampled_from([folder_changes, folder_changes, account_changes]).flatmap(lambda some: some),
    max_size=5,
)
syncs: st.SearchStrategy[Sync | None] = st.sampled_from(
    ["scanned", "scanned", "watched", "audited", None]
)
