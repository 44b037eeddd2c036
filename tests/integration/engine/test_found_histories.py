"""Histories that random runs have found to fail, with fewer steps."""

from collections.abc import Iterator

import pytest
from support.history.machine import HistoryMachine
from support.history.strategies import HASHES


@pytest.fixture
def machine() -> Iterator[HistoryMachine]:
    machine = HistoryMachine()
    yield machine
    machine.teardown()


def test_files_that_are_deleted_before_a_mirror_is_added_leave_no_copy_there(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=(), copying="copy", files={f"{n}.jpg": n for n in range(4)})
    machine.change_mirrors(("2", "3"), "copy", [("unlink", "spring", 0)] * 3, "scanned")
    assert machine.history.accounts.held() == {(account, HASHES[3]) for account in ("1", "2", "3")}


def test_an_image_whose_file_goes_is_uploaded_for_another_folder(machine: HistoryMachine) -> None:
    machine.begin(mirrors=(), copying="auto", files={"b.jpg": 2, "f/b.jpg": 0})
    machine.change([("put", "autumn", "a.jpg", 2), ("unlink", "spring", 0)], None)
    machine.change_mirrors(("2", "3"), "copy", [], "watched")
    machine.sync_and_check_idle(restarts=True)
    assert ("3", HASHES[2]) in machine.history.accounts.held()


def test_a_copy_that_failed_is_repeated_for_an_image_without_a_file(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=(), copying="auto", files={"a.jpg": 4})
    machine.change([("fail", "cut_off", "2", "copy"), ("empty",)], "scanned")
    machine.change_mirrors(("2",), "copy", [], None)
    machine.sync_and_check_idle(restarts=True)
    assert ("2", HASHES[4]) in machine.history.accounts.held()


def test_a_lost_ledger_is_rebuilt_while_a_new_image_has_the_name_of_another(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("2",), copying="auto", files={})
    machine.alternate_contents("a.jpg", 1, 2, "watched")
    machine.crash_during_a_call([], "delete", 0)
    machine.alternate_contents("d/e/x.jpg", 0, 1, "audited")
    machine.lose_ledger()
    machine.alternate_contents("d/a.jpg", 0, 3, "audited")


def test_a_file_that_returns_while_several_accounts_are_asked_is_held_by_all(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("3", "2"), copying="auto", files={"b.jpg": 0, "d/e/x.jpg": 2})
    machine.change_during_a_call(
        [("put", "spring", "a.jpg", 1)], "list", 1, path="x.jpg", content=1, event="put"
    )
    machine.sync_and_check_idle(restarts=True)
    assert len(machine.history.accounts.held()) == 9


def test_an_image_that_syncd_sent_again_as_other_bytes_is_deleted_again(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=(), copying="copy", files={"a.jpg": 0, "b.jpg": 1})
    machine.pass_a_day()  # the account keeps the time of the first upload
    machine.change([("unlink", "spring", 0)], "scanned")
    machine.change([("put", "spring", "a.jpg", 4)], "scanned")
    machine.change([("unlink", "spring", 0)], "scanned")
    assert machine.history.deletions == 2


def test_a_replacement_that_was_removed_by_hand_counts_as_held_until_the_audit(
    machine: HistoryMachine,
) -> None:
    machine.begin(mirrors=("2",), copying="copy", files={"a.jpg": 2, "b.jpg": 0, "c.jpg": 1})
    machine.change([("remove", 5)], None)
    machine.change([("put", "spring", "a.jpg", 0)], "scanned")
    assert machine.history.deletions == 2
    machine.change([], "audited")
    assert len(machine.history.accounts.held()) == 4
