"""The limitations of an account, as the ledger keeps them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import limitations, schema
from syncd.model import AccountId
from syncd.rules.limitation import Limitation, What

ONE, TWO = AccountId("1"), AccountId("2")
NO_COPY = Limitation(what=What.NO_COPY, source=TWO, retry_at=50.0)
BYTES = Limitation(what=What.BYTES_ONLY, retry_at=60.0)
SIZE = Limitation(what=What.BODY_SIZE, value=1000, retry_at=70.0)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        schema.create(db)
        yield db


def test_limitations_are_recalled_for_their_account_alone(db: sqlite3.Connection) -> None:
    assert limitations.known(ONE)(db) == []
    limitations.record(ONE, [NO_COPY, BYTES, SIZE], [], 900, 10.0)(db)
    assert sorted(limitations.known(ONE)(db), key=lambda one: one.retry_at) == [
        NO_COPY,
        BYTES,
        SIZE,
    ]
    assert limitations.known(TWO)(db) == []
    assert limitations.largest_body(ONE)(db) == 900
    assert limitations.largest_body(TWO)(db) == limitations.largest_body(AccountId("3"))(db) == 0


def test_a_renewed_limitation_keeps_its_beginning(db: sqlite3.Connection) -> None:
    limitations.record(ONE, [NO_COPY, SIZE], [], 900, 10.0)(db)
    renewed = Limitation(what=What.BODY_SIZE, value=800, retry_at=170.0)
    limitations.record(ONE, [renewed], [], 700, 30.0)(db)
    assert set(limitations.known(ONE)(db)) == {NO_COPY, renewed}
    assert limitations.record(ONE, [], [renewed, NO_COPY], 700, 110.0)(db) == [100.0, 100.0]
    assert limitations.known(ONE)(db) == []
    assert limitations.largest_body(ONE)(db) == 700
