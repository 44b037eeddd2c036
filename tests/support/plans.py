"""A connection that records how SQLite runs each statement."""

import sqlite3
from typing import Any


class Plans:
    """A connection that records the plan of each statement before it runs the statement."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.plans: list[str] = []

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if not sql.lstrip().startswith("CREATE"):
            rows = self._db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
            self.plans += [row[3] for row in rows]
        return self._db.execute(sql, parameters)

    def executemany(self, sql: str, rows: Any) -> None:
        for row in list(rows):
            self.execute(sql, row)
