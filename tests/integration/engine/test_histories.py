"""Histories that have failed before or are rare, compared with a model."""

from collections.abc import Iterator

import pytest
from support.history.machine import HistoryMachine
from support.history.strategies import HASHES, REJECTED, Change, Sync

FILES = {"a.jpg": 0, "d/b.jpg": 1, "d/x.jpg": 2}
"""The first files of a folder; the last is excluded when the patterns change."""


@pytest.fixture
def machine() -> Iterator[HistoryMachine]:
    machine = HistoryMachine()
    yield machine
    machine.teardown()


@pytest.mark.parametrize("event", ["put", "use", "unlink", "swap"])
@pytest.mark.parametrize("kind", ["list", "delete"])
def test_a_change_during_a_deletion_deletes_nothing_wanted(
    machine: HistoryMachine, kind: str, event: str
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change_during_a_call([], kind, 0, path="f/a.jpg", content=0, event=event)
    assert machine.history.observer.interrupted
    machine.sync_and_check_idle(restarts=True)


@pytest.mark.parametrize("event", ["unlink", "use", "swap"])
@pytest.mark.parametrize("kind", ["upload", "copy"])
def test_a_change_during_an_upload_or_copy_converges(
    machine: HistoryMachine, kind: str, event: str
) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.history.spring.mirrors, machine.history.reconfigured = ("2",), True
    changes: list[Change] = [("put", "spring", "0.jpg", 3)] if kind == "upload" else []
    machine.change_during_a_call(changes, kind, 0, path="f/a.jpg", content=0, event=event)
    assert machine.history.observer.interrupted
    machine.sync_and_check_idle(restarts=True)


@pytest.mark.parametrize("kind", ["upload", "copy", "list", "delete"])
def test_a_crash_during_a_call_converges(machine: HistoryMachine, kind: str) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.history.spring.mirrors, machine.history.reconfigured = ("2",), True
    machine.crash_during_a_call([("put", "spring", "f/a.jpg", 3)], kind, 0)
    assert machine.history.observer.interrupted
    machine.sync_and_check_idle(restarts=False)


@pytest.mark.parametrize(
    "changes",
    [
        [("unlink", "spring", 0), ("put", "spring", "f/a.jpg", 0)],
        [("put", "spring", "a.jpg", 3)],
        [("swap_for_a_copy",), ("unlink", "spring", 0)],
        [("empty",)],
        [("use", 0), ("use", 0), ("use", 0), ("unlink", "spring", 0), ("unlink", "spring", 0)],
        [("add_foreign", "3", 3), ("put", "autumn", "a.jpg", 3)],
    ],
    ids=lambda changes: "-".join(change[0] for change in changes),
)
@pytest.mark.parametrize("sync", ["scanned", "watched", "audited"])
def test_a_change_and_its_end_converge(
    machine: HistoryMachine, changes: list[Change], sync: Sync
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change(changes, sync)
    machine.pass_a_day()
    machine.change([("unlink", "spring", 0), ("unlink", "autumn", 0)], sync)
    machine.sync_and_check_idle(restarts=False)


def test_a_changed_pattern_and_a_removed_mirror_delete_nothing(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2", "3"), copying="copy", files=FILES)
    machine.change_patterns([], "scanned")
    machine.change_mirrors((), "copy", [("unlink", "spring", 0)], "scanned")
    held = machine.history.accounts.held()
    assert {("2", HASHES[0]), ("2", HASHES[2])} <= held
    assert ("1", HASHES[0]) not in held
    machine.change_patterns([], "scanned")
    machine.sync_and_check_idle(restarts=True)


def test_a_removed_mirror_keeps_its_condemned_images(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("use", 0)] * 6, None)
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.change_mirrors((), "copy", [("release", 0)] * 6, "scanned")
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=False)
    assert machine.history.deletions == 1


@pytest.mark.parametrize("changes", [("unlink", "spring", 0), ("put", "spring", "a.jpg", 3)])
def test_an_image_stays_until_its_grace_has_ended(machine: HistoryMachine, changes: Change) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES, grace="12h")
    machine.change([changes], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 2


def test_a_file_that_returns_restarts_the_grace(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES, grace="12h")
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.pass_a_day()
    machine.change([("put", "spring", "b.jpg", 0)], "scanned")
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0


def test_a_file_that_returns_before_a_start_keeps_its_image(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES, grace="12h")
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.pass_a_day()
    machine.change([("put", "spring", "b.jpg", 0)], "scanned")
    assert machine.history.deletions == 0


def test_an_image_that_syncd_sent_again_is_deleted_again(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.pass_a_day()  # the account keeps the time of the first upload
    for _ in range(2):
        machine.change([("unlink", "spring", 0)], "scanned")
        machine.change([("put", "spring", "a.jpg", 0)], "scanned")
    assert machine.history.deletions == 2


def test_a_mirror_that_is_added_again_keeps_what_it_held(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change_mirrors((), "copy", [], "scanned")
    machine.change_mirrors(("2",), "copy", [], "scanned")
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    held = machine.history.accounts.held()
    assert ("2", HASHES[0]) in held
    assert ("1", HASHES[0]) not in held


def test_a_folder_that_keeps_its_images_deletes_nothing(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.change([("put", "autumn", f"{number}.jpg", number) for number in (1, 3)], "watched")
    machine.change([("unlink", "autumn", 0)], "scanned")
    machine.sync_and_check_idle(restarts=False)
    assert machine.history.deletions == 0


def test_a_file_that_returns_withdraws_its_deletion_permanently(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.change([("use", 0), ("use", 0), ("use", 0)], None)
    machine.change([("unlink", "spring", 2)], "scanned")
    machine.change([("put", "spring", "x.jpg", 2)], "scanned")
    machine.change_patterns([("release", 0)] * 3, "scanned")
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=False)
    assert len(machine.history.accounts.held()) == 3


def test_an_image_that_was_in_the_account_before_stays(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="copy", files={"b.jpg": 1})
    machine.change([("add_foreign", "1", 0), ("put", "spring", "a.jpg", 0)], "scanned")
    machine.change([("unlink", "spring", 0)], "scanned")
    assert ("1", HASHES[0]) in machine.history.accounts.held()


@pytest.mark.parametrize("sync", ["scanned", "watched"])
def test_a_file_replaced_by_a_link_keeps_its_image_until_the_link_is_removed(
    machine: HistoryMachine, sync: Sync
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("link", "spring", 0)], sync)
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.change([("remove_link", "spring", 0)], sync)
    machine.sync_and_check_idle(restarts=False)
    assert machine.history.deletions == 2


@pytest.mark.parametrize("sync", ["scanned", "watched"])
def test_a_directory_replaced_by_a_link_keeps_its_images(
    machine: HistoryMachine, sync: Sync
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files={**FILES, "f/a.jpg": 3})
    machine.change([("link_directory", "d/")], sync)
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.change([("unlink", "spring", 0)], sync)
    assert machine.history.deletions == 2
    machine.change([("remove_link", "spring", 0), ("unlink", "spring", 0)], sync)
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 4


@pytest.mark.parametrize("sync", ["scanned", "watched"])
def test_files_are_deleted_from_a_directory_that_was_moved_and_from_the_new_one_of_its_name(
    machine: HistoryMachine, sync: Sync
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("move_and_replace", "d/", "f/", 3)], sync)
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.change([("unlink", "spring", 1)], sync)  # d/a.jpg
    assert machine.history.deletions == 2
    machine.change([("unlink", "spring", 1)], sync)  # f/b.jpg
    assert machine.history.deletions == 4
    machine.sync_and_check_idle(restarts=True)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("directory", "by_link"), [("d/", True), ("d/", False), ("", False)], ids=["link", "d", "root"]
)
def test_a_directory_replaced_for_a_while_loses_no_image(
    machine: HistoryMachine, directory: str, *, by_link: bool, restarts: bool
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    assert machine.history.folders.may_replace(directory)
    machine.replace_for_a_while(directory, by_link=by_link, restarts=restarts)
    machine.sync_and_check_idle(restarts=True)
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.sync_and_check_idle(restarts=False)
    assert machine.history.deletions == 2


def test_a_replaced_root_keeps_what_was_replaced_until_enough_of_it_matches(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=(), copying="copy", files={"b.jpg": 1})
    machine.change([("empty",), ("swap_for_a_copy",)], "scanned")
    machine.change([("put", "spring", "d/e/b.jpg", 3)], "scanned")
    machine.change([("put", "spring", "d/e/b.jpg", 0)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.change([("put", "spring", "d/e/b.jpg", 2)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert ("1", HASHES[0]) not in machine.history.accounts.held()


@pytest.mark.parametrize(
    "steps",
    [["autumn", "spring"], ["spring", "autumn"], ["both"]],
    ids="-".join,
)
def test_an_account_of_two_folders_keeps_an_image_that_one_of_them_keeps(
    machine: HistoryMachine, steps: list[str]
) -> None:
    machine.begin(mirrors=("3",), copying="copy", files={**FILES, "f/a.jpg": 3})
    others = [("put", "autumn", "b.jpg", 1)]  # an empty folder would be suspect
    machine.change([("put", "autumn", "a.jpg", 0), *others], "scanned")
    for step in steps:
        folders = ["spring", "autumn"] if step == "both" else [step]
        machine.change([("unlink", folder, 0) for folder in folders], "scanned")
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=True)
    held = machine.history.accounts.held()
    assert ("3", HASHES[0]) in held
    assert ("1", HASHES[0]) not in held


@pytest.mark.parametrize("broken", [6, 7, 8, REJECTED])
def test_an_image_that_awaits_its_replacement_leaves_with_its_broken_file(
    machine: HistoryMachine, broken: int
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("put", "spring", "a.jpg", broken)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0
    machine.change([("unlink", "spring", 0)], "scanned")
    assert machine.history.deletions == 2


def test_an_image_that_awaits_its_replacement_is_kept_with_an_excluded_file(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("put", "spring", "d/x.jpg", 6)], "scanned")
    machine.change_patterns([], "scanned")
    machine.change([("unlink", "spring", 2)], "scanned")
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.deletions == 0


def test_exchanged_names_cost_no_call(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    calls = machine.history.accounts.sandbox.counts.calls()
    machine.change([("swap_names", "spring", 0, 1), ("swap_names", "spring", 1, 2)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert machine.history.accounts.sandbox.counts.calls() == calls


def test_a_file_that_returns_after_an_unrecorded_deletion_is_sent_again(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.crash_during_a_call([], "delete", 0, returns=True)
    assert machine.history.observer.interrupted
    machine.sync_and_check_idle(restarts=True)
    assert len(machine.history.accounts.held()) == 6


@pytest.mark.parametrize(
    "changes",
    [
        [("put", "spring", "a.jpg", 3)],
        [("unlink", "spring", 0), ("fail", "1", "1", "list")],
        [("put", "spring", "a.jpg", 3), ("fail", "1", "1", "list")],
    ],
    ids=["rewritten", "deleted-failed", "rewritten-failed"],
)
def test_a_used_image_whose_file_is_gone_is_looked_up_once_a_day(
    machine: HistoryMachine, changes: list[Change]
) -> None:
    machine.begin(mirrors=(), copying="copy", files=FILES)
    machine.change([("use", 0)] * 3, None)
    machine.change(changes, "scanned")
    machine.change([], "scanned")
    machine.sync_and_check_idle(restarts=True)
    machine.pass_a_day()
    machine.change([("release", 0)] * 3, "scanned")
    assert machine.history.deletions == 1


@pytest.mark.parametrize("clock_change", [7200.0, -7200.0])
def test_a_changed_clock_deletes_nothing_that_was_uploaded_before(
    machine: HistoryMachine, clock_change: float
) -> None:
    machine.begin(mirrors=(), copying="copy", files={"b.jpg": 1})
    machine.change([("add_foreign", "1", 0), ("put", "spring", "a.jpg", 0)], "scanned")
    machine.pass_a_day(clock_change)
    machine.change([("put", "spring", "c.jpg", 2)], "scanned")
    machine.change([("unlink", "spring", 0)] * 3 + [("put", "spring", "d.jpg", 3)], "scanned")
    machine.sync_and_check_idle(restarts=True)
    assert {("1", HASHES[0]), ("1", HASHES[1])} <= machine.history.accounts.held()
    assert machine.history.deletions == 1


@pytest.mark.parametrize("sync", ["scanned", "watched", None])
@pytest.mark.parametrize("broken", [6, REJECTED])
def test_contents_that_alternate_end_as_the_last_one(
    machine: HistoryMachine, broken: int, sync: Sync | None
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.alternate_contents("a.jpg", 3, 0, sync)
    machine.alternate_contents("a.jpg", broken, 3, sync)
    machine.sync_and_check_idle(restarts=True)
    assert ("1", HASHES[0]) not in machine.history.accounts.held()
    machine.alternate_contents("a.jpg", 0, broken, sync)
    machine.sync_and_check_idle(restarts=True)
    last_seen = 3 if sync is None else 0
    assert ("1", HASHES[last_seen]) in machine.history.accounts.held()


@pytest.mark.parametrize("first", [0, 4])
def test_an_image_of_two_contents_leaves_with_the_last_of_their_files(
    machine: HistoryMachine, first: int
) -> None:
    machine.begin(mirrors=(), copying="copy", files={"a.jpg": first, "b.jpg": 1})
    machine.pass_a_day()
    machine.change([("put", "spring", "c.jpg", 4 - first)], "scanned")
    machine.change([("unlink", "spring", 0)], "scanned")
    assert ("1", HASHES[0]) in machine.history.accounts.held()
    machine.change([("unlink", "spring", 1)], "scanned")
    machine.pass_a_day()
    machine.sync_and_check_idle(restarts=False)
    assert ("1", HASHES[0]) not in machine.history.accounts.held()


def test_an_image_that_was_removed_by_hand_returns_after_an_audit(machine: HistoryMachine) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    machine.change([("remove", 0), ("remove", 2)], "scanned")
    assert len(machine.history.accounts.held()) == 4
    machine.change([], "audited")
    assert len(machine.history.accounts.held()) == 6


def test_a_lost_ledger_deletes_nothing_and_uploads_no_second_library(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files=FILES)
    held = machine.history.accounts.held()
    machine.lose_ledger()
    machine.sync_and_check_idle(restarts=False)
    assert machine.history.accounts.held() == held
    assert machine.history.deletions == 0
