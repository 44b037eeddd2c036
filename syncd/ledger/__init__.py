"""The facts in SQLite: schema, migrations and every SQL statement of the project."""
