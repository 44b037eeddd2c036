"""The facts in SQLite: the schema and every SQL statement of the project."""
