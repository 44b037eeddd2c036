"""Keep the image libraries of Meta ad accounts in sync with folders on disk.

The packages, in the order in which an image passes through them:

- `config` has the configuration, and `daemon` builds and runs everything from it.
- `folders` watches and scans folders, and reads and digests files; `images` knows their formats.
- `ledger` has every fact in SQLite: the files, and which account holds which image.
- `engine` has a queue and a worker for each account, and uploads, copies and deletes.
- `rules` has the decisions that all of them make, as pure functions.
- `graph` is the client of the Marketing API, and `sandbox` an API for tests and rehearsals.
- `logs` writes the log. `cli` has the commands; `check`, `demo` and `man` are parts of it.
"""

__version__ = "0.1.0"
