"""Alterations of a ledger's file, as a damaged disk or another program leaves it."""

from collections.abc import Sequence

from hypothesis import strategies as st

PAGE = 4096
"""Bytes of a page of a ledger."""

Change = tuple[int, int, int]
"""A kind from 0 to 7, a place and a number."""


def alterations() -> st.SearchStrategy[list[Change]]:
    """Return lists of changes for `altered`."""
    number = st.integers(0, 2**32 - 1)
    return st.lists(st.tuples(st.integers(0, 7), number, number), min_size=1, max_size=6)


def altered(content: bytes, changes: Sequence[Change]) -> bytes:
    """Return the file with these changes."""
    data = bytearray(content)
    for kind, at, number in changes:
        if len(data) < 2 * PAGE:
            break
        place, pages = at % len(data), len(data) // PAGE
        page, other = at % pages * PAGE, number % pages * PAGE
        match kind:
            case 0:  # a bit
                data[place] ^= 1 << number % 8
            case 1:  # a byte of the header of the file or of a page
                data[(page + at // pages % 100) % len(data)] = number % 256
            case 2:  # a byte within the rows, which are at the end of each page
                data[page + PAGE - 1 - at // pages % 600] = number % 256
            case 3:
                data[place : place + 4] = number.to_bytes(4, "big")
            case 4:
                data[page : page + PAGE] = bytes(PAGE)
            case 5:
                data[page : page + PAGE] = data[other : other + PAGE]
            case 6:
                del data[place if number % 2 else page :]
            case _:
                data += bytes([number % 256]) * (at % 9000)
    return bytes(data)
