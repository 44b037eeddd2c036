"""Files are counted by when they were found, and a mark ends with the last of its files."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from syncd.folders.intake.unrecorded import Unrecorded


def test_a_mark_divides_the_files_before_it_from_those_after() -> None:
    files = Unrecorded()
    files.add(1, files.latest)
    first = files.divide()
    files.add(2, files.latest)
    second = files.divide()
    assert files.folders(first) == [1]
    assert files.folders(second) == [1, 2]
    files.remove(1, first)
    assert files.folders(first) == []
    assert files.folders(second) == [2]


async def test_a_mark_ends_with_the_last_of_its_files_in_any_folder() -> None:
    files = Unrecorded()
    for folder in (1, 1, 2):
        files.add(folder, files.latest)
    end = asyncio.create_task(files.wait_for_end())
    for folder in (1, 2):
        files.remove(folder, 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not end.done()
    files.remove(1, 0)
    async with asyncio.timeout(5):
        await end


@given(st.lists(st.sampled_from(["find 1", "find 2", "divide", "record"]), max_size=60))
def test_a_mark_has_the_files_that_were_found_before_it_and_not_recorded(steps: list[str]) -> None:
    files, waiting, marks = Unrecorded(), list[tuple[int, int]](), list[int]()
    for step in steps:
        match step.split():
            case ["find", name]:
                files.add(int(name), files.latest)
                waiting.append((int(name), files.latest))
            case ["divide"]:
                marks.append(files.divide())
            case _ if waiting:
                files.remove(*waiting.pop())
        for mark in marks:
            assert set(files.folders(mark)) == {one for one, of in waiting if of <= mark}
