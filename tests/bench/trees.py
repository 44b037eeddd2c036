"""Large trees of which syncd knows every file already; made once, and kept."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import pictures
from bench.bench import Bench
from bench.processes import ROOT, run


@dataclass(frozen=True)
class Known:
    """A tree, its copy for tools that compare, and a ledger in which all of it is held."""

    tree: Path
    mirror: Path
    ledger: Path


def known(bench: Bench, count: int) -> Known:
    """Return a tree of so many files that is in step."""
    tree = pictures.grow(bench.cache / f"tree-{count}", count)
    mirror = pictures.mirror(tree)
    kept = bench.cache / f"ledger-{count}-{_schema()}.db"
    if not kept.exists():
        bench.tell(f"  writing the ledger of {count:,} files, once")
        made = bench.place("bringing") / "ledger.db"
        command = [sys.executable, "-m", "bench.inside.filled_ledger", str(tree), str(made)]
        run(command, made.with_name("log"))
        shutil.move(made, kept)
    ledger = bench.place("ledger") / "ledger.db"
    shutil.copyfile(kept, ledger)
    return Known(tree, mirror, ledger)


def _schema() -> str:
    """Return what tells one ledger's form from another's."""
    files = sorted((ROOT / "syncd" / "ledger" / "migrations").glob("*.sql"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
