"""What is known, in SQLite: schema, migrations and every SQL statement of the project."""
