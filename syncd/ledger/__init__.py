"""The facts in SQLite: the schema and every SQL statement of the project.

schema.sql describes the tables. A statement is a function with `@read` or `@write` (`statements`),
in the module of its subject, such as `files`, `folders`, `replicas` or `deletions`. `database` runs
statements on a thread, and commits what is written at the same time together.
"""
